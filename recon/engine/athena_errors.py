"""What Athena says when it cannot, in plain words with the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pyathena.error import Error

from recon.errors import Refused
from recon.store import aws


class AthenaRefused(Refused):
    """Athena cannot be used as things stand."""


@contextmanager
def plainly(workgroup: str) -> Iterator[None]:
    """Turns what PyAthena and boto3 raise into AthenaRefused where a user can act on it; faults of ours stay."""
    try:
        yield
    except (ClientError, BotoCoreError, Error) as error:
        cause = error if isinstance(error, ClientError) else error.__cause__
        if isinstance(cause, ClientError):
            raise AthenaRefused(_of_call(workgroup, cause.response.get("Error", {}))) from error
        if isinstance(error, BotoCoreError):
            with aws.plainly("engine athena"):
                raise
        told = _of_query(workgroup, str(error))
        if told is None:
            raise
        raise AthenaRefused(told) from error


def check_workgroup(name: str, group: Mapping[str, Any]) -> None:
    """Raises AthenaRefused where a workgroup is off or has no limit of bytes."""
    if group.get("State") == "DISABLED":
        raise AthenaRefused(f"Athena workgroup {name} is disabled; enable it, or set RECON_ATHENA_WORKGROUP to another")
    limit = group.get("Configuration", {}).get("BytesScannedCutoffPerQuery")
    if not limit:
        raise AthenaRefused(f"Athena workgroup {name} has no limit of bytes per query; set BytesScannedCutoffPerQuery "
                            "on it (at least 10 MB), so that no query can cost more than you mean it to")


def _of_call(workgroup: str, error: Mapping[str, str]) -> str:
    message = error.get("Message", "")
    if error.get("Code") == "InvalidRequestException" and "WorkGroup" in message and "not found" in message:
        return (f"Athena has no workgroup {workgroup}; create it (infra deploys one), or set RECON_ATHENA_WORKGROUP to "
                "one that exists in this account and region")
    if error.get("Code") == "InvalidRequestException" and "disabled" in message.lower():
        return f"Athena workgroup {workgroup} is disabled; enable it, or set RECON_ATHENA_WORKGROUP to another"
    return f"Athena, workgroup {workgroup}: {aws.plain_code(error)}"


def _of_query(workgroup: str, reason: str) -> str | None:
    if "Bytes scanned limit" in reason:
        return (f"Athena stopped the query at the limit of workgroup {workgroup}: {reason}; reconcile a shorter "
                "window, or raise BytesScannedCutoffPerQuery")
    if "access denied" in reason.lower() or "AccessDenied" in reason or "Insufficient permissions" in reason:
        return (f"Athena may not read or write: {reason}; its role needs to read the lake, and to write the folder of "
                "RECON_ATHENA_SCRATCH")
    if "NoSuchBucket" in reason:
        return f"a bucket is missing: {reason}; check --lake and RECON_ATHENA_SCRATCH"
    if "TABLE_NOT_FOUND" in reason or "SCHEMA_NOT_FOUND" in reason:
        return f"{reason}; check RECON_ATHENA_DATABASE, and deploy the lake's tables"
    if "exhausted resources" in reason or "Query timeout" in reason:
        return f"Athena gave up: {reason}; reconcile a shorter window, or repeat the command later"
    return None
