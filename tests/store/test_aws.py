"""AWS itself is reached only where that is allowed by name, and its errors are said in plain words."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from recon.store import arrow, aws
from recon.store.aws import AwsRefused
from recon.store.open import open_store

LOCAL = "http://127.0.0.1:4566"


@pytest.mark.parametrize("environment", [
    {"RECON_AWS": "allowed"},
    {"AWS_ENDPOINT_URL": LOCAL},
    {"AWS_ENDPOINT_URL": "http://localhost:1", "AWS_ENDPOINT_URL_ATHENA": "http://[::1]:2"},
])
def test_a_local_stack_and_what_is_allowed_pass(environment: dict[str, str]) -> None:
    aws.require("lake s3://x", environment)


@pytest.mark.parametrize("environment, why", [
    ({}, "AWS_ENDPOINT_URL is not set"),
    ({"AWS_ENDPOINT_URL": ""}, "AWS_ENDPOINT_URL is not set"),
    ({"AWS_ENDPOINT_URL_S3": LOCAL}, "AWS_ENDPOINT_URL is not set"),
    ({"AWS_ENDPOINT_URL": LOCAL, "AWS_ENDPOINT_URL_GLUE": "https://glue.example.com"}, "URL_GLUE leads away"),
    ({"AWS_ENDPOINT_URL": "http://10.0.0.1"}, "AWS_ENDPOINT_URL leads away"),
    ({"AWS_ENDPOINT_URL": "http://127.0.0.1.example.com"}, "AWS_ENDPOINT_URL leads away"),
    ({"AWS_ENDPOINT_URL": LOCAL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, "IGNORE_CONFIGURED_.* is set"),
])
def test_nothing_else_reaches_aws_by_accident(environment: dict[str, str], why: str) -> None:
    with pytest.raises(AwsRefused, match=f"lake s3://x would reach AWS itself .*{why}.*: set RECON_AWS=allowed if you"):
        aws.require("lake s3://x", environment)


def test_a_misspelt_permission_is_none() -> None:
    with pytest.raises(AwsRefused, match="RECON_AWS is 'yes'; only 'allowed' is accepted"):
        aws.require("lake s3://x", {"RECON_AWS": "yes", "AWS_ENDPOINT_URL": LOCAL})


def test_every_way_to_a_bucket_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "RECON_AWS"):
        monkeypatch.delenv(name, raising=False)
    for way in (lambda: open_store("s3://bucket/lake"), lambda: arrow.filesystem("s3://bucket/lake")):
        with pytest.raises(AwsRefused, match="lake s3://bucket/lake would reach AWS itself"):
            way()


@pytest.mark.parametrize("code, said", [
    ("ExpiredToken", "credentials have expired .*; log in again"),
    ("AccessDenied", "access denied"),
    ("InvalidAccessKeyId", "does not accept these credentials"),
    ("NoSuchBucket", "no such bucket"),
    ("ThrottlingException", "asks to slow down"),
    ("EntityNotFoundException", "EntityNotFoundException: told"),
])
def test_errors_are_said_in_plain_words_with_the_next_step(code: str, said: str) -> None:
    with pytest.raises(AwsRefused, match=f"reading it: .*{said}") as refused, aws.plainly("reading it"):
        raise ClientError({"Error": {"Code": code, "Message": "told"}}, "GetTable")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("error, said", [
    (NoCredentialsError(), "no AWS credentials; log in"),
    (NoRegionError(), "no AWS region; set AWS_DEFAULT_REGION"),
    (EndpointConnectionError(endpoint_url=LOCAL), "check the network and AWS_ENDPOINT_URL"),
])
def test_what_keeps_a_call_from_being_made_is_said_too(error: Exception, said: str) -> None:
    with pytest.raises(AwsRefused, match=said), aws.plainly("reading it"):
        raise error


@pytest.mark.parametrize("name, said", [("ACCESS_DENIED", "access denied"), ("NO_SUCH_BUCKET", "no such bucket")])
def test_arrows_errors_are_said_alike(name: str, said: str) -> None:
    with pytest.raises(AwsRefused, match=f"it: {said}"), arrow.plainly("it"):
        raise OSError(f"When reading: AWS Error {name} during GetObject operation: no")
    with pytest.raises(OSError, match="disk full"), arrow.plainly("it"):
        raise OSError("disk full")
