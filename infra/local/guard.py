"""No local command can reach real AWS: the environment that every local process and client gets."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3

from infra.local.errors import LocalRefused

REGION = "us-east-1"
DUMMY_KEY = "test"

SERVICES = ("apigateway", "athena", "cloudformation", "dynamodb", "events", "glue", "lambda", "logs", "s3", "scheduler",
            "secretsmanager", "sns", "sqs", "stepfunctions", "sts")
"""AWS services that local code calls, as boto3 names them."""
_OWN_NAMES = {"apigateway": "API_GATEWAY", "events": "EVENTBRIDGE", "logs": "CLOUDWATCH_LOGS",
              "secretsmanager": "SECRETS_MANAGER", "stepfunctions": "SFN"}
"""How the variables call those that they call otherwise."""

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
_LOOPBACK = "127.0.0.1,localhost,::1"


def local_environment(endpoint: str, **more: str) -> dict[str, str]:
    """The AWS variables of a local process: all calls go to `endpoint`, with keys that are worth nothing.

    `more` is added and wins, e.g. AWS_ENDPOINT_URL_ATHENA. Raises LocalRefused where an endpoint is not on loopback.
    Apply it with child_environment or applied: laid over the caller's variables alone it would keep AWS_PROFILE.
    """
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        # The caller's own setting for a service would win over the general one.
        **{f"AWS_ENDPOINT_URL_{_OWN_NAMES.get(service, service.upper())}": endpoint for service in SERVICES},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_ACCESS_KEY_ID": DUMMY_KEY,
        "AWS_SECRET_ACCESS_KEY": DUMMY_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        # A proxy would carry the calls off this machine.
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
        **more,
    }
    for name, value in settings.items():
        if name.startswith("AWS_ENDPOINT_URL"):
            require_loopback(value, name)
    return settings


def child_environment(settings: Mapping[str, str], caller: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment (None: this process's) without its AWS settings and proxies, and with `settings`."""
    inherited = os.environ if caller is None else caller
    return {name: value for name, value in inherited.items() if not _reaches_out(name)} | dict(settings)


@contextmanager
def applied(settings: Mapping[str, str]) -> Generator[None]:
    """This process, all its threads, has the environment of child_environment(settings) for the block's length."""
    before = dict(os.environ)
    wanted = child_environment(settings)
    try:
        _become(wanted)
        yield
    finally:
        _become(before)


def client(service: str, settings: Mapping[str, str] | None = None) -> Any:
    """A boto3 client for the stack of `settings` (None: of this process's environment).

    Raises LocalRefused where its endpoint is not on loopback: nothing here may ever touch a real account.
    """
    if settings is None:
        made = boto3.session.Session().client(service)
    else:
        with applied(settings):
            made = boto3.session.Session().client(service)
    require_loopback(made.meta.endpoint_url, f"the endpoint of {service}")
    return made


def require_loopback(url: str, what: str) -> None:
    """Raises LocalRefused unless `url` is http on a loopback address."""
    parts = urlsplit(url)
    try:
        loopback = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    if parts.scheme != "http" or not loopback:
        raise LocalRefused(f"{what} is {url!r}: the local stack only talks to http://127.0.0.1:PORT; "
                           "start it with `pipeline up` and load the settings that it writes")


def _reaches_out(name: str) -> bool:
    return name.startswith("AWS_") or name == "RECON_AWS" or name.lower() in _PROXIES


def _become(wanted: Mapping[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)
