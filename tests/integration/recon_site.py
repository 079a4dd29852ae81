"""Scheduled reconciliation on a stack: a lake put there, the template deployed over it, and what its runs left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.lake import declare, upload
from infra.local.schedule import Scheduled, deployed
from infra.local.stack import Stack
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.house.tree import ROOT

SAMPLE = ROOT / "notebooks" / "sample" / "lake"
"""A lake for T+7 as of 2026-03-13, with a divergence of most classes."""
T = TypeVar("T")
Objects = dict[str, tuple[str, datetime]]


def until(found: Callable[[], T], *, what: str, seconds: float = 60.0) -> T:
    """What `found` gives as soon as it gives something. It looks seldom: a look keeps the stack from its work."""
    deadline = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)
    return got


@dataclass
class ReconSite:
    """One deployment over a lake of its own; everything of it has the deployment's name."""

    stack: Stack
    name: str
    scheduled: Scheduled
    messages: list[dict[str, Any]] = field(default_factory=list)
    _inbox: str = ""
    _before: frozenset[str] = frozenset()

    @classmethod
    def over(cls, stack: Stack, name: str, lake: Path, **parameters: str) -> Self:
        """Puts a lake's folder to the stack and deploys the schedules over it, with a queue that gets every flag."""
        aws = stack.environment()
        bucket, database = f"{name}-lake", name.replace("-", "_")
        upload(lake, bucket, "all", aws=aws)
        declare(bucket, "all", database, aws=aws)
        scheduled = deployed(stack, lake=f"s3://{bucket}/all", name=name, parameters={
            "LakeDatabase": database, "AsyncRetries": "0", **parameters})
        site = cls(stack, name, scheduled)
        site._before = frozenset(site._objects(bucket, ""))
        sqs = scheduled.client("sqs")
        site._inbox = sqs.create_queue(QueueName=f"{name}-inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=site._inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        scheduled.client("sns").subscribe(TopicArn=scheduled.outputs["ReconFlagsArn"], Protocol="sqs", Endpoint=arn)
        return site

    def add(self, files: Mapping[str, bytes]) -> None:
        """More objects for the lake, by their paths in it, as ingest puts them."""
        for path, body in files.items():
            self.scheduled.client("s3").put_object(Bucket=f"{self.name}-lake", Key=f"all/{path}", Body=body)

    def state(self, run: str) -> dict[str, Any] | None:
        """What run.json says of a run such as T7/2026-03-13; None where there is none."""
        found = self.read(f"{run}/run.json")
        return json.loads(found) if found else None

    def finished(self, run: str) -> dict[str, Any] | None:
        """The same once nothing is left to do of it."""
        state = self.state(run)
        return state if state and state["finished"] else None

    def read(self, path: str) -> bytes | None:
        """An object of the runs' place."""
        s3 = self.scheduled.client("s3")
        try:
            body: bytes = s3.get_object(Bucket=self._runs, Key=f"runs/{path}")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body

    def table(self, path: str) -> pa.Table:
        """A Parquet object of the runs' place."""
        body = self.read(path)
        assert body is not None, path
        return pq.read_table(BytesIO(body))

    def runs(self) -> Objects:
        """Every object of the runs' place with its tag and the time of its last write."""
        return self._objects(self._runs, "runs/")

    def written(self) -> Objects:
        """The same of the lake's break log and register of runs."""
        bucket = f"{self.name}-lake"
        return self._objects(bucket, "all/break_log/") | self._objects(bucket, "all/recon_runs/")

    def added(self) -> set[str]:
        """Objects of the lake that were not there when it was put to the stack."""
        return self._objects(f"{self.name}-lake", "").keys() - self._before

    def flags(self) -> list[dict[str, Any]]:
        """Every message that the topic has sent so far, as its programs get them."""
        return [json.loads(sent["Message"]) for sent in self._drained(self._inbox, self.messages)]

    def dead_letters(self) -> list[dict[str, Any]]:
        """What has come into the dead-letter queue since the last look."""
        return self._drained(self.scheduled.outputs["ReconDeadLettersUrl"], [])

    def retries(self) -> list[dict[str, Any]]:
        """The schedules that the function has made for itself."""
        scheduler, group = self.scheduled.client("scheduler"), self.scheduled.outputs["ReconRetries"]
        names = [one["Name"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]
                 if one["GroupName"] == group]
        return [scheduler.get_schedule(Name=name, GroupName=group) for name in sorted(names)]

    def workers(self) -> list[psutil.Process]:
        """The emulator's processes of the function, their kernels left out."""
        found = []
        for process in psutil.Process(self.stack.emulator.server.pid).children(recursive=True):
            try:
                named = process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == self.scheduled.outputs["ReconRunName"]
                if named and any("_worker" in word for word in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def expire(self, run: str) -> None:
        """The claim of a process that died is over, as it is after a quarter of an hour."""
        path = f"{run}/claim.json"
        claim = json.loads(self.read(path) or b"{}") | {"until": "2026-01-01T00:00:00+00:00"}
        self.scheduled.client("s3").put_object(Bucket=self._runs, Key=f"runs/{path}", Body=json.dumps(claim))

    @property
    def _runs(self) -> str:
        return str(self.scheduled.outputs["ReconRunsBucketName"])

    def _objects(self, bucket: str, prefix: str) -> Objects:
        pages = self.scheduled.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {item["Key"]: (item["ETag"], item["LastModified"])
                for page in pages for item in page.get("Contents", ())}

    def _drained(self, queue: str, into: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sqs = self.scheduled.client("sqs")
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                into.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return into


def small(folder: Path) -> list[Path]:
    """A lake with six captures on DAY, one of them without a line, and a report for each day around it.

    Returns the objects of DAY's report.
    """
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    for offset in range(-8, 9):
        at = DAY + timedelta(days=offset)
        lake.feed("the-report" if offset == 0 else f"report{offset:+}", at, at + timedelta(days=1),
                  received_at=at + timedelta(days=1, hours=2))
    for payment_id in range(1, 6):
        lake.pair(payment_id, 1000 * payment_id, file_id="the-report")
    lake.movement(6, 777)
    return sorted(lake.write(folder).rglob("*the-report.parquet"))
