"""The pipeline with nothing in it: its own state machine over steps that do nothing, behind a route and a handler."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import urllib3
import yaml

from infra.local.deploy import INFRA, STAGE
from infra.local.guard import client

STACK = "empty"
DEPLOY_SECONDS = 120.0
STEPS = ("ValidatePayment", "ReserveBalance", "AuthorizeGateway", "CaptureOrVoid", "CommitLedger", "NotifyMerchant")
# A call that logs nothing takes the emulator four times as long.
NOTHING = """
def handler(event, context):
    print('{"event":"nothing"}')
    return {"outcome": "ok", "payment_id": event["payment_id"], "fence": 1, "status": None, "payment": None}
"""
START = """
import json, os
import boto3
from botocore.config import Config
machine = boto3.client("stepfunctions", config=Config(read_timeout=24, retries={"total_max_attempts": 1}))
given = {"payment_id": "1", "saga": "pay", "hash": "", "merchant_id": "", "trace_id": "", "request": {}}

def handler(event, context):
    print('{"event":"start"}')
    ended = machine.start_sync_execution(stateMachineArn=os.environ["MACHINE"], input=json.dumps(given))
    return {"statusCode": 201 if ended["status"] == "SUCCEEDED" else 502, "body": ended.get("output", "")}
"""


class EmptySaga:
    """Deployed next to the pipeline, in the same emulator. Without an authorizer: that makes it only faster."""

    def __init__(self, aws: Mapping[str, str]) -> None:
        """Deploys it; raises TimeoutError where it does not come up."""
        cloudformation = client("cloudformation", aws)
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template()),
                                    Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        deadline = time.monotonic() + DEPLOY_SECONDS
        while True:
            stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
            if stack["StackStatus"] == "CREATE_COMPLETE":
                break
            if stack["StackStatus"] != "CREATE_IN_PROGRESS" or time.monotonic() > deadline:
                raise TimeoutError(f"the empty saga is {stack['StackStatus']}")
            time.sleep(0.1)
        api = next(output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "ApiId")
        self._url = f"{aws['AWS_ENDPOINT_URL']}/restapis/{api}/{STAGE}/_user_request_/empty"
        self._pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=40.0)

    def run(self, count: int, *, concurrency: int) -> None:
        """So many requests, each of which must have run the whole machine."""
        with ThreadPoolExecutor(concurrency) as asking:
            statuses = set(asking.map(lambda _: self._pool.request("POST", self._url, body=b"{}").status, range(count)))
        assert statuses == {201}, statuses


def template() -> dict[str, object]:
    """infra/saga.asl.yaml with every step the same function, a handler that starts it and a route."""
    definition = json.dumps(yaml.safe_load((INFRA / "saga.asl.yaml").read_text(encoding="utf-8")))
    function = {"Runtime": "python3.13", "Handler": "index.handler", "MemorySize": 512, "Timeout": 27,
                "ReservedConcurrentExecutions": 8}
    return {
        "AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": STAGE}},
            "Nothing": {"Type": "AWS::Serverless::Function", "Properties": {**function, "InlineCode": NOTHING}},
            "Machine": {"Type": "AWS::Serverless::StateMachine", "Properties": {
                "Type": "EXPRESS", "Definition": json.loads(definition),
                "DefinitionSubstitutions": {f"{step}Arn": {"Fn::GetAtt": ["Nothing", "Arn"]} for step in STEPS}}},
            "Start": {"Type": "AWS::Serverless::Function", "Properties": {
                **function, "InlineCode": START, "Environment": {"Variables": {"MACHINE": {"Ref": "Machine"}}},
                "Events": {"Post": {"Type": "Api", "Properties": {
                    "RestApiId": {"Ref": "Api"}, "Path": "/empty", "Method": "POST"}}}}},
        },
        "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}},
    }
