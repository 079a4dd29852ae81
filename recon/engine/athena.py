"""Amazon Athena through PyAthena: results by UNLOAD to Parquet, scratch tables as Glue tables over unloaded folders.

CSV results cannot tell NULL from '', and Athena may answer from an earlier result; neither is ever used here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pyathena.connection import Connection
from pyathena.cursor import Cursor
from pyathena.util import RetryConfig

from pipeline.schemas.columns import Table
from recon.engine import athena_errors
from recon.engine.athena_errors import AthenaRefused
from recon.engine.catalog import check_columns, check_location
from recon.engine.glue import parquet_table
from recon.engine.statement import Statement
from recon.engine.types import arrow_type
from recon.settings import AthenaSettings
from recon.store import aws, s3
from recon.store.arrow import filesystem, plainly, remove, require_bucket

_RETRIES = RetryConfig(attempt=5, max_delay=8)
"""Of throttled calls: about a quarter of a minute in all, then the user is told."""


class AthenaBackend:
    """See Backend."""

    name = "athena"

    def __init__(self, settings: AthenaSettings, progress: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._progress = progress
        self.scanned_bytes = 0
        self._token = f"r{uuid.uuid4().hex[:12]}"
        self._location = f"{settings.scratch}/{self._token}"
        self._glue = s3.client("glue", "engine athena")
        self._files, self._base = filesystem(self._location)
        self._tables: dict[str, str] = {}
        self._unloads = 0
        with aws.plainly("engine athena"):
            # PyAthena repeats throttled API calls only; a statement that has started is never sent twice.
            self._connection: Connection[Any] = Connection(
                work_group=settings.workgroup, s3_staging_dir=f"{self._location}/results/",
                schema_name=settings.database, poll_interval=settings.poll_s, result_reuse_enable=False,
                kill_on_interrupt=True, retry_config=_RETRIES, on_poll=self._polled)
        self._check_workgroup()
        self._check_scratch()

    def lake_table(self, table: Table, root: str) -> str:
        """See Backend."""
        name = f"{self._settings.database}.{table.name}"
        with aws.plainly(f"table {name} in the Glue catalog"):
            try:
                found = self._glue.get_table(DatabaseName=self._settings.database, Name=table.name)["Table"]
            except self._glue.exceptions.EntityNotFoundException:
                raise AthenaRefused(f"the Glue catalog has no table {name}; check RECON_ATHENA_DATABASE, and declare "
                                    "the lake's tables first (on the local stack: pipeline lake)") from None
        descriptor = found["StorageDescriptor"]
        columns = [*descriptor["Columns"], *found.get("PartitionKeys", ())]
        check_columns(table, name, [column["Name"] for column in columns])
        check_location(name, descriptor.get("Location"), f"{root}/{table.name}")
        return f'"{self._settings.database}"."{table.name}"'

    def put(self, name: str, rows: pa.Table) -> str:
        """See Backend."""
        with plainly(f"scratch folder {self._location}"), \
                self._files.open_output_stream(f"{self._base}/{name}/rows.parquet") as target:
            pq.write_table(rows, target, compression="snappy")
        return self._declare(name, rows.schema)

    def make(self, name: str, statement: Statement) -> tuple[str, int]:
        """See Backend."""
        schema, paths = self._unload(statement, name)
        count = sum(pq.ParquetFile(self._files.open_input_file(path)).metadata.num_rows for path in paths)
        return self._declare(name, schema), count

    def select(self, statement: Statement) -> pa.Table:
        """See Backend."""
        self._unloads += 1
        schema, paths = self._unload(statement, f"fetched_{self._unloads}")
        with plainly(f"results in {self._location}"):
            parts = [pq.read_table(path, filesystem=self._files, coerce_int96_timestamp_unit="ms").cast(schema)
                     for path in paths]
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def drop(self, name: str) -> None:
        """See Backend."""
        table = self._tables.pop(name)
        with aws.plainly(f"scratch table {table}"):
            self._glue.delete_table(DatabaseName=self._settings.scratch_database, Name=table)
        remove(self._files, f"{self._base}/{name}")

    def close(self) -> None:
        """See Backend."""
        for name in list(self._tables):
            self.drop(name)
        with plainly(f"scratch folder {self._location}"):
            remove(self._files, self._base)
        self._connection.close()

    def _check_workgroup(self) -> None:
        """Raises AthenaRefused where the workgroup is absent or off, before anything is uploaded."""
        with athena_errors.plainly(self._settings.workgroup):
            group = self._connection.client.get_work_group(WorkGroup=self._settings.workgroup)["WorkGroup"]
        athena_errors.check_workgroup(self._settings.workgroup, group)

    def _check_scratch(self) -> None:
        """Raises Refused where a run would have no place for what it makes."""
        database = self._settings.scratch_database
        with aws.plainly(f"scratch database {database} in the Glue catalog"):
            try:
                self._glue.get_database(Name=database)
            except self._glue.exceptions.EntityNotFoundException:
                raise AthenaRefused(f"the Glue catalog has no database {database}; create it, or set "
                                    "RECON_ATHENA_SCRATCH_DATABASE to one that exists") from None
        require_bucket(self._files, self._base, f"RECON_ATHENA_SCRATCH is {self._settings.scratch}")

    def _declare(self, name: str, schema: pa.Schema) -> str:
        table = f"{self._token}_{name}"
        with aws.plainly(f"scratch database {self._settings.scratch_database} in the Glue catalog"):
            self._glue.create_table(DatabaseName=self._settings.scratch_database,
                                    TableInput=parquet_table(table, schema, f"{self._location}/{name}/"))
        self._tables[name] = table
        return f'"{self._settings.scratch_database}"."{table}"'

    def _unload(self, statement: Statement, name: str) -> tuple[pa.Schema, list[str]]:
        """(types, paths of the files) of a statement's rows, unloaded into a scratch folder; no rows make no file."""
        self._execute(f"UNLOAD ({statement.marked}) TO '{self._location}/{name}/' "
                      "WITH (format = 'PARQUET', compression = 'SNAPPY')", statement.values)
        with plainly(f"results in {self._location}"):
            found = self._files.get_file_info(fs.FileSelector(f"{self._base}/{name}", allow_not_found=True))
        paths = sorted(item.path for item in found if item.is_file and item.size)
        if paths:
            # Athena writes times as INT96, which pyarrow would read as nanoseconds: none before 1677 or after 2262.
            file = pq.ParquetFile(self._files.open_input_file(paths[0]), coerce_int96_timestamp_unit="ms")
            return file.schema_arrow.remove_metadata(), paths
        described = self._execute(f"SELECT * FROM ({statement.marked}) LIMIT 0", statement.values).description or ()
        fields = [pa.field(column[0], pa.decimal128(column[4], column[5]) if column[1] == "decimal"
                           else arrow_type(column[1])) for column in described]
        return pa.schema(fields), []

    def _polled(self, execution: Any) -> None:
        """Tells how a statement is getting on; Athena counts the bytes while it reads."""
        if self._progress:
            read = int(execution.data_scanned_in_bytes or 0)
            self._progress(f"Athena: {str(execution.state).lower()}, {read:,} bytes read")

    def _execute(self, text: str, values: Sequence[str]) -> Any:
        cursor = self._connection.cursor(Cursor)
        with athena_errors.plainly(self._settings.workgroup):
            cursor.execute(text, list(values) or None, paramstyle="qmark")
        self.scanned_bytes += int(cursor.data_scanned_in_bytes or 0)
        return cursor
