"""No local command can reach real AWS, whatever the caller's environment says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from infra.local.errors import LocalRefused
from infra.local.guard import SERVICES, applied, child_environment, client, local_environment, require_loopback
from tests.house.tree import called, modules

ELSEWHERE = "https://s3.eu-central-1.amazonaws.com"
CALLER = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-token",
    "AWS_SECURITY_TOKEN": "a-token",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": ELSEWHERE,
    "AWS_ENDPOINT_URL_S3": ELSEWHERE,
    "AWS_ENDPOINT_URL_GLUE": ELSEWHERE,
    "AWS_ENDPOINT_URL_ATHENA": ELSEWHERE,
    "AWS_ENDPOINT_URL_KINESIS": ELSEWHERE,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/production",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_EC2_METADATA_DISABLED": "false",
    "HTTP_PROXY": "http://proxy.example:3128",
    "https_proxy": "http://proxy.example:3128",
    "RECON_AWS": "allowed",
}
"""An environment in which everything points at a real account."""

PROBE = """
import json, socket, sys
sys.path.insert(0, {root!r})
touched = []
real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    touched.append(str(address[0]))
    if not str(address[0]).startswith("127."):
        raise OSError(f"{{address}} is not on this machine")
    return real_connect(self, address)

def lookup(host, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else str(host)
    touched.append(name)
    if name not in ("127.0.0.1", "localhost"):
        raise OSError(f"{{name}} was looked up")
    return real_lookup(host, *rest, **more)

socket.socket.connect, socket.getaddrinfo = connect, lookup

import boto3
import pyathena

endpoints = {{name: boto3.client(name).meta.endpoint_url for name in {services!r}}}
boto3.client("s3").list_buckets()
boto3.client("s3").list_objects_v2(Bucket="probe")
boto3.client("glue").get_databases()
boto3.client("athena").list_work_groups()
boto3.client("sts").get_caller_identity()
cursor = pyathena.connect(s3_staging_dir="s3://probe/results/", work_group="primary").cursor()
endpoints["pyathena"] = cursor.connection.client.meta.endpoint_url
cursor.execute("SELECT 1")
print(json.dumps({{"endpoints": endpoints, "touched": sorted(set(touched)), "rows": cursor.fetchall()}}))
"""


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A caller with a profile, keys, tokens and endpoints of a real account."""
    config = tmp_path / "config"
    config.write_text(f"[profile production]\nregion = eu-central-1\nendpoint_url = {ELSEWHERE}\n", encoding="utf-8")
    for name, value in {**CALLER, "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(config)}.items():
        monkeypatch.setenv(name, value)


def test_nothing_that_the_caller_has_for_aws_is_kept() -> None:
    ours = local_environment("http://127.0.0.1:1234")
    child = child_environment(ours, caller={**CALLER, "PATH": "bin", "AWS_NOT_YET_INVENTED": "x"})
    assert {name: value for name, value in child.items() if name.startswith("AWS_")} == {
        name: value for name, value in ours.items() if name.startswith("AWS_")}
    assert not {"HTTP_PROXY", "https_proxy", "RECON_AWS", "AWS_PROFILE", "AWS_SESSION_TOKEN"} & child.keys()
    assert child["PATH"] == "bin"
    assert set(CALLER.values()) & set(child.values()) <= {"true", "false"}


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("service", SERVICES)
def test_every_client_talks_to_this_machine(service: str) -> None:
    made = client(service, local_environment("http://127.0.0.1:1234"))
    assert made.meta.endpoint_url == "http://127.0.0.1:1234"
    assert made.meta.region_name == "us-east-1"


@pytest.mark.usefixtures("hostile")
def test_the_block_gives_the_environment_back() -> None:
    before = dict(os.environ)
    with applied(local_environment("http://127.0.0.1:1234")):
        assert "AWS_PROFILE" not in os.environ
        assert boto3.session.Session().get_credentials().access_key == "test"
    assert dict(os.environ) == before


@pytest.mark.usefixtures("hostile")
def test_a_client_of_the_callers_own_environment_is_refused() -> None:
    with pytest.raises(LocalRefused, match=r"amazonaws\.com.*pipeline up"):
        client("s3")


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://10.0.0.1:1", "http://0.0.0.0:1", "http://localhost.example",
                                 "http://127.0.0.1.example", "127.0.0.1:1", "", "http://s3.amazonaws.com"])  # fmt: skip
def test_what_is_not_loopback_is_refused(url: str) -> None:
    with pytest.raises(LocalRefused):
        require_loopback(url, "the endpoint")
    with pytest.raises(LocalRefused):
        local_environment("http://127.0.0.1:1", AWS_ENDPOINT_URL_ATHENA=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.1.2.3"])
def test_loopback_passes(url: str) -> None:
    require_loopback(url, "the endpoint")


def test_arrows_client_is_always_told_where_to_go() -> None:
    """It does not read AWS_ENDPOINT_URL by itself, and would look for the real S3."""
    calls = [(path, node) for path, text in modules("recon", "infra", "pipeline", "dashboards", "tests")
             for node in ast.walk(ast.parse(text)) if called(node).endswith("S3FileSystem")
             and isinstance(node, ast.Call)]  # fmt: skip
    assert calls
    assert [f"{path}:{node.lineno}" for path, node in calls
            if "endpoint_override" not in {keyword.arg for keyword in node.keywords}] == []


@pytest.mark.usefixtures("hostile")
def test_no_local_command_can_reach_real_aws(aws: dict[str, str], tmp_path: Path) -> None:
    client("s3", aws).create_bucket(Bucket="probe")
    probe = PROBE.format(root=str(Path(__file__).resolve().parents[2]), services=SERVICES)
    done = subprocess.run([sys.executable, "-c", probe], env=child_environment(aws), cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said["endpoints"]) == {*SERVICES, "pyathena"}
    assert set(said["endpoints"].values()) == {aws["AWS_ENDPOINT_URL"]}
    assert said["touched"] == ["127.0.0.1"]


@pytest.mark.usefixtures("hostile")
def test_settings_laid_over_the_callers_own_do_not_reach_it_either(aws: dict[str, str], tmp_path: Path) -> None:
    client("s3", aws).create_bucket(Bucket="probe")
    probe = PROBE.format(root=str(Path(__file__).resolve().parents[2]), services=SERVICES)
    done = subprocess.run([sys.executable, "-c", probe], env={**os.environ, **aws}, cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert "ProfileNotFound" in done.stderr
