"""Deploys the templates of infra/ to the emulator through CloudFormation, as they are deployed to AWS."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra import package
from infra.local.errors import LocalRefused
from infra.local.guard import client
from infra.local.lake import make_bucket

INFRA = package.ROOT / "infra"
TEMPLATE = INFRA / "pipeline.yaml"
SCHEDULE = INFRA / "schedule.yaml"
STACK = "payments"
TEMPLATES = {INFRA / "lake.yaml": f"{STACK}-lake", INFRA / "notify.yaml": f"{STACK}-notify", TEMPLATE: STACK,
             INFRA / "alarms.yaml": f"{STACK}-alarms", INFRA / "lake_tables.yaml": f"{STACK}-lake-tables",
             SCHEDULE: f"{STACK}-recon"}
"""Every template with the name of its stack, in the order of deployment: what one puts out, later ones may take in."""
CODE_BUCKET = "payments-code"
STAGE = "live"
DEPLOY_SECONDS = 180.0

SECRETS = {"DatabaseSecretId": "payments/database/app", "DatabaseOwnerSecretId": "payments/database/owner",
           "GatewaysSecretId": "payments/gateways"}
"""Where the template's functions find their secrets, by its parameter."""

MERCHANTS: dict[str, dict[str, int]] = {
    "merchant_a": {"EUR": 10**13, "GBP": 10**13, "JPY": 10**13, "KWD": 10**13, "USD": 10**13},
    "merchant_b": {"EUR": 10**13, "GBP": 10**13, "JPY": 10**13, "USD": 10**13},
    "merchant_low_limit": {"EUR": 5_000, "USD": 5_000},
}
"""Limits in minor units by currency of the merchants that are there from the start."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """Stacks that are up: the outputs of all by name, the API's address, and the merchants' keys."""

    outputs: dict[str, str]
    api: str
    keys: dict[str, str] = field(default_factory=dict, repr=False)

    def function(self, name: str) -> str:
        """The deployed name of a function of infra/pipeline.yaml."""
        return f"{STACK}-{name}"


def deploy(aws: Mapping[str, str], parameters: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]], *,
           tell: Tell) -> Deployment:
    """Packs, uploads and creates a stack per template; `secrets` by the parameter naming them.

    Each template gets those of `parameters` that it declares, and what earlier stacks put out under such a name.
    Returns when every resource is there, before any migration. Raises LocalRefused with what failed.
    """
    start = time.monotonic()
    s3 = client("s3", aws)
    make_bucket(s3, CODE_BUCKET)
    for parameter, content in secrets.items():
        client("secretsmanager", aws).create_secret(Name=SECRETS[parameter], SecretString=json.dumps(dict(content)))
    tell(f"{len(secrets)} secrets kept ({time.monotonic() - start:.1f} s)")
    outputs: dict[str, str] = {}
    cloudformation = client("cloudformation", aws)
    for path, stack in TEMPLATES.items():
        outputs |= _stood_up(s3, cloudformation, path, stack, {**SECRETS, **outputs, **parameters}, tell)
    _answers_of_the_edge(client("apigateway", aws), outputs["ApiId"])
    return Deployment(outputs, f"{aws['AWS_ENDPOINT_URL']}/restapis/{outputs['ApiId']}/{STAGE}/_user_request_")


def stood_up(aws: Mapping[str, str], template: Path, stack: str, known: Mapping[str, str], *,
             tell: Tell) -> dict[str, str]:
    """Creates one stack with those of the `known` parameters that its template declares; returns what it puts out.

    Raises LocalRefused with what failed.
    """
    s3 = client("s3", aws)
    make_bucket(s3, CODE_BUCKET)
    return _stood_up(s3, client("cloudformation", aws), template, stack, known, tell)


def migrated(aws: Mapping[str, str], deployment: Deployment) -> list[str]:
    """Runs the deployed migrations and returns their names. Raises LocalRefused with what they say."""
    answer = invoked(aws, deployment.outputs["MigrateName"], {})
    return list(answer["applied"])


def onboarded(aws: Mapping[str, str], deployment: Deployment,
              merchants: Mapping[str, Mapping[str, int]] | None = None) -> Deployment:
    """The deployment with an API key for each merchant (None: MERCHANTS). Raises LocalRefused."""
    keys = {}
    for merchant, limits in (MERCHANTS if merchants is None else merchants).items():
        answer = invoked(aws, deployment.outputs["OnboardName"], {"merchant_id": merchant, "limits": dict(limits)})
        keys[merchant] = str(answer["api_key"])
    return Deployment(deployment.outputs, deployment.api, deployment.keys | keys)


def invoked(aws: Mapping[str, str], function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """What a function of operations answers. Raises LocalRefused where it fails or refuses."""
    said = client("lambda", aws).invoke(FunctionName=function, Payload=json.dumps(dict(event)))
    answer: dict[str, Any] = json.loads(said["Payload"].read() or b"null") or {}
    if said.get("FunctionError") or answer.get("outcome") != "ok":
        reason = answer.get("reason") or answer.get("errorMessage") or json.dumps(answer)
        raise LocalRefused(f"the function {function} did not do its work: {str(reason)[:800]}")
    return answer


def _stood_up(s3: Any, cloudformation: Any, template: Path, stack: str, known: Mapping[str, str],
              tell: Tell) -> dict[str, str]:
    start = time.monotonic()
    code = _code_of_runs(s3) if template == SCHEDULE else {}
    given = {name: value for name, value in {**known, **code}.items() if name in read(template).get("Parameters", {})}
    outputs = _created(cloudformation, stack, _uploaded(s3, template), given)
    tell(f"stack {stack} created ({time.monotonic() - start:.1f} s)")
    return outputs


def _code_of_runs(s3: Any) -> dict[str, str]:
    """Where the code of scheduled runs lies; on AWS it is in their image."""
    content = package.recon_code()
    key = f"{package.digest(content)}-{package.RECON_OUT.name}"
    s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=content)
    return {"CodeBucket": CODE_BUCKET, "CodeObject": key}


def _uploaded(s3: Any, template: Path) -> str:
    """A template with its local files put to S3, as packaging for AWS does."""
    text = template.read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"^ *(?:CodeUri|DefinitionUri): (\S+)$", text, re.M))):
        path = (INFRA / name).resolve()
        # Its libraries are those of this environment; on AWS they are in the package.
        content = package.code() if path == package.OUT else _as_json(path)
        key = f"{package.digest(content)}-{path.name}"
        s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=content)
        text = re.sub(rf"^( *(?:CodeUri|DefinitionUri): ){re.escape(name)}$", rf"\1s3://{CODE_BUCKET}/{key}", text,
                      flags=re.M)
    return text


def _as_json(definition: Path) -> bytes:
    """A state machine's definition: the emulator reads JSON alone, AWS takes YAML as well."""
    return json.dumps(yaml.safe_load(definition.read_text(encoding="utf-8"))).encode()


def _created(cloudformation: Any, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()])
    deadline = time.monotonic() + DEPLOY_SECONDS
    while (stack := cloudformation.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"] != "CREATE_COMPLETE":
        if stack["StackStatus"] != "CREATE_IN_PROGRESS" or time.monotonic() > deadline:
            raise LocalRefused(f"the stack {name} could not be created ({stack['StackStatus']}): "
                               f"{_why(cloudformation, stack)}")
        time.sleep(0.1)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def _why(cloudformation: Any, stack: Mapping[str, Any]) -> str:
    events = cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    failed = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
              for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    return "; ".join(failed[:3]) or str(stack.get("StackStatusReason", "no reason given"))


def _answers_of_the_edge(apigateway: Any, api: str) -> None:
    """The emulator does not read the API's own answers from its definition: they are put one by one."""
    answers = read(TEMPLATE)["Resources"]["Api"]["Properties"]["GatewayResponses"]
    for kind, answer in answers.items():
        headers = answer["ResponseParameters"]["Headers"]
        more = {"statusCode": str(answer["StatusCode"])} if "StatusCode" in answer else {}
        apigateway.put_gateway_response(
            restApiId=api, responseType=kind, responseTemplates=answer["ResponseTemplates"], **more,
            responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()})
    apigateway.create_deployment(restApiId=api, stageName=STAGE)


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode), "YAML has no other kinds"
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _long_form)


def read(template: Path) -> dict[str, Any]:
    """A template with every short form (`!Ref X`) as its long one (`{"Ref": "X"}`)."""
    found: dict[str, Any] = yaml.load(template.read_text(encoding="utf-8"), Loader=_Loader)
    return found
