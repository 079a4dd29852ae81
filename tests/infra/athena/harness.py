"""A server under test as its clients see it: boto3, PyAthena, and bare HTTP."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.session import get_session
from pyarrow import fs
from pyathena import connect
from pyathena.arrow.cursor import ArrowCursor
from pyathena.arrow.result_set import AthenaArrowResultSetMetadataReader
from trino.dbapi import Connection

from infra.local import guard
from infra.local.athena import Athena
from infra.local.lake import declare, make_bucket
from tests.engine.harness import sample

LAKE = "athena-lake"
RESULTS = "athena-results"
DATABASE = "athena_lake"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
NAMES = ("a b%20é.parquet", "plain.parquet")
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
# Small enough that many tests may wait for it, long enough not to spin.
_POLL = 0.03


def fill(aws: Mapping[str, str]) -> None:
    """Buckets, the declared tables, and ledger entries: three days, hour 05, two files of two rows each."""
    s3 = guard.client("s3", aws)
    for bucket in (LAKE, RESULTS):
        make_bucket(s3, bucket)
    for day in DAYS:
        for number, name in enumerate(NAMES):
            body = io.BytesIO()
            ids = [f"{day}-{number}{row}" for row in range(2)]
            pq.write_table(sample("ledger_entries", rows=2, entry_id=ids), body)
            s3.put_object(Bucket=LAKE, Key=f"ledger_entries/dt={day}/hr=05/{name}", Body=body.getvalue())
    declare(LAKE, database=DATABASE, aws=aws)


class Stack:
    """The server and clients for it."""

    def __init__(self, athena: Athena, aws: Mapping[str, str], trino: str = "") -> None:
        """`trino` is the address of the Trino behind it, empty for DuckDB."""
        self.athena = athena
        self.trino = trino
        self.aws = {**aws, "AWS_ENDPOINT_URL_ATHENA": athena.endpoint}
        self.s3: Any = guard.client("s3", self.aws)
        self.glue: Any = guard.client("glue", self.aws)
        with guard.applied(self.aws):
            # A fault must be seen as it comes, not after the client's own retries.
            self.api: Any = get_session().create_client("athena", config=Config(retries={"total_max_attempts": 1}))

    def start(self, sql: str, **more: Any) -> str:
        """Starts a query with results below the results bucket; its id."""
        asked = {"QueryExecutionContext": {"Database": DATABASE},
                 "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/out"}, **more}
        return str(self.api.start_query_execution(QueryString=sql, **asked)["QueryExecutionId"])

    def ended(self, query: str) -> dict[str, Any]:
        """The execution when it has come to its end."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.api.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] in ENDED:
                return found
            time.sleep(_POLL)
        raise AssertionError(f"{query} has not ended: {found}")

    def running(self, query: str) -> None:
        """Returns when the query has left the queue."""
        while self.api.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] == "QUEUED":
            time.sleep(_POLL)

    def run(self, sql: str, **more: Any) -> dict[str, Any]:
        """The execution of a statement when it has ended."""
        return self.ended(self.start(sql, **more))

    def rows(self, sql: str, **more: Any) -> list[list[str | None]]:
        """All rows of a statement that succeeds, the header among them, through as many pages as it takes."""
        query = self.start(sql, **more)
        status = self.ended(query)["Status"]
        assert status["State"] == "SUCCEEDED", status
        found: list[list[str | None]] = []
        for page in self.api.get_paginator("get_query_results").paginate(QueryExecutionId=query):
            found += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
        return found

    def failure(self, sql: str, **more: Any) -> str:
        """Why a statement fails."""
        status = self.run(sql, **more)["Status"]
        assert status["State"] == "FAILED", status
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
        return str(status["StateChangeReason"])

    def target(self) -> str:
        """A folder that nobody has written to."""
        return f"s3://{RESULTS}/unload/{uuid.uuid4()}/"

    def unloaded(self, sql: str, **more: Any) -> tuple[dict[str, Any], list[pa.Table]]:
        """The execution of UNLOAD (sql), and the files that its manifest names."""
        execution = self.run(f"UNLOAD ({sql}) TO '{self.target()}' WITH (format = 'PARQUET', compression = 'SNAPPY')",
                             **more)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        manifest = self.read(execution["Statistics"]["DataManifestLocation"]).decode()
        return execution, [pq.read_table(io.BytesIO(self.read(url))) for url in manifest.splitlines()]

    def read(self, url: str) -> bytes:
        """The bytes of an object."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, url: str) -> list[str]:
        """Keys of the objects whose address begins with `url`."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())]

    def arrow(self, sql: str, parameters: list[str] | None = None) -> pa.Table:
        """A query through PyAthena's Arrow cursor with UNLOAD."""
        settings: dict[str, Any] = {"parameters": parameters, "paramstyle": "qmark"} if parameters else {}
        # PyAthena builds pyarrow's file system without an address, and pyarrow looks for none in the environment.
        with guard.applied(self.aws), patch.object(AthenaArrowResultSetMetadataReader, "_create_s3_file_system",
                                                   lambda _: fs.S3FileSystem(endpoint_override=self.endpoint_s3)):
            connection = connect(s3_staging_dir=f"s3://{RESULTS}/stage/", schema_name=DATABASE, poll_interval=_POLL,
                                 cursor_class=ArrowCursor, cursor_kwargs={"unload": True})
            with closing(connection), closing(connection.cursor()) as cursor:
                table: pa.Table = cursor.execute(sql, **settings).as_arrow()
                return table

    def at_work(self) -> int:
        """Queries of the server that the Trino behind it still runs; 0 where there is none."""
        if not self.trino:
            return 0
        address = urlsplit(self.trino)
        with closing(Connection(host=str(address.hostname), port=int(address.port or 0), user="test")) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM system.runtime.queries "
                           "WHERE \"user\" = 'athena' AND state NOT IN ('FINISHED', 'FAILED')")
            return int(cursor.fetchall()[0][0])

    @property
    def endpoint_s3(self) -> str:
        """The emulator."""
        return self.aws["AWS_ENDPOINT_URL_S3"]

    def bare(self, operation: str, request: Any) -> tuple[int, Any]:
        """Status and body of a call as it is on the wire."""
        call = urllib.request.Request(self.athena.endpoint, data=json.dumps(request).encode(), method="POST",
                                      headers={"X-Amz-Target": f"AmazonAthena.{operation}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(call, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())
