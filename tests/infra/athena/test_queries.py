"""What a query does, alike on every backend."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyathena.error import OperationalError

from pipeline.schemas.render import glue_storage
from tests.infra.athena.harness import DATABASE, LAKE, RESULTS, Stack

VALUES = ("SELECT 1 AS i, CAST(2 AS BIGINT) AS b, 'it''s \"x\"' AS s, '' AS e, CAST(NULL AS VARCHAR) AS n, true AS t, "
          "CAST('1.50' AS DECIMAL(38, 2)) AS d, DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 10:11:12' AS ts, "
          "1.5E0 AS x")


def test_rows_have_a_header_and_values_as_athena_prints_them(stack: Stack) -> None:
    assert stack.rows(VALUES) == [
        ["i", "b", "s", "e", "n", "t", "d", "day", "ts", "x"],
        ["1", "2", "it's \"x\"", "", None, "true", "1.50", "2026-01-31", "2026-01-31 10:11:12.000", "1.5"]]


def test_columns_are_described_without_rows(stack: Stack) -> None:
    query = stack.start(f"SELECT * FROM ({VALUES}) LIMIT 0")
    stack.ended(query)
    found = stack.api.get_query_results(QueryExecutionId=query)["ResultSet"]
    assert [[cell["VarCharValue"] for cell in row["Data"]] for row in found["Rows"]] == [
        ["i", "b", "s", "e", "n", "t", "d", "day", "ts", "x"]]
    assert [(c["Name"], c["Type"], c["Precision"], c["Scale"]) for c in found["ResultSetMetadata"]["ColumnInfo"]] == [
        ("i", "integer", 10, 0), ("b", "bigint", 19, 0), ("s", "varchar", 2147483647, 0),
        ("e", "varchar", 2147483647, 0), ("n", "varchar", 2147483647, 0), ("t", "boolean", 0, 0),
        ("d", "decimal", 38, 2), ("day", "date", 0, 0), ("ts", "timestamp", 3, 0), ("x", "double", 17, 0)]


def test_the_result_lies_at_the_output_location(stack: Stack) -> None:
    execution = stack.run("SELECT 'a,\"b\"' AS x, CAST(NULL AS VARCHAR) AS y, '' AS z")
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{RESULTS}/out/{execution['QueryExecutionId']}.csv"
    assert stack.read(location) == b'"x","y","z"\n"a,""b""",,""\n'
    assert [column["Name"] for column in json.loads(stack.read(f"{location}.metadata"))] == ["x", "y", "z"]


def test_names_of_columns_without_one(stack: Stack) -> None:
    assert stack.rows("SELECT count(*), 'x', 2 AS b FROM (VALUES 1, 2) AS t (a)")[0] == ["_col0", "_col1", "b"]
    _, files = stack.unloaded("SELECT count(*), 2 AS b FROM (VALUES 1, 2) AS t (a)")
    assert [row for file in files for row in file.to_pylist()] == [{"_col0": 2, "b": 2}]


def test_paging_counts_the_header(stack: Stack) -> None:
    query = stack.start("SELECT a FROM (VALUES 1, 2, 3, 4) AS t (a) ORDER BY a")
    stack.ended(query)
    pages = []
    token: dict[str, str] = {}
    while True:
        page = stack.api.get_query_results(QueryExecutionId=query, MaxResults=2, **token)
        pages.append([row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [["a", "1"], ["2", "3"], ["4"]]


def test_unload_keeps_types_nulls_and_milliseconds(stack: Stack) -> None:
    found = stack.arrow("SELECT 1 AS i, CAST(2 AS BIGINT) AS b, '' AS e, CAST(NULL AS VARCHAR) AS n, true AS t, "
                        "CAST('123456789012345678901234567890' AS DECIMAL(38, 0)) AS d, DATE '2026-01-31' AS day, "
                        "TIMESTAMP '2026-01-31 10:11:12.345' AS ts")
    assert found.to_pylist() == [{
        "i": 1, "b": 2, "e": "", "n": None, "t": True, "d": Decimal("123456789012345678901234567890"),
        "day": date(2026, 1, 31), "ts": datetime(2026, 1, 31, 10, 11, 12, 345000)}]
    assert [found.schema.field(name).type for name in ("i", "b", "d", "day")] == [
        pa.int32(), pa.int64(), pa.decimal128(38, 0), pa.date32()]


def test_unload_tells_its_files_and_rows(stack: Stack) -> None:
    execution, files = stack.unloaded(f"SELECT entry_id FROM {DATABASE}.ledger_entries WHERE dt = DATE '2026-01-01'")
    assert sum(file.num_rows for file in files) == 4
    assert execution["StatementType"] == "DML"
    assert execution["SubstatementType"] == "UNLOAD"
    assert execution["Statistics"]["DataManifestLocation"] == (
        f"s3://{RESULTS}/out/{execution['QueryExecutionId']}-manifest.csv")
    counted = stack.api.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert counted["UpdateCount"] == 4
    assert counted["ResultSet"]["Rows"] == []


def test_an_empty_unload_writes_no_file(stack: Stack) -> None:
    target = stack.target()
    execution = stack.run(f"UNLOAD (SELECT 1 AS a WHERE 1 = 0) TO '{target}' WITH (format = 'PARQUET')")
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert stack.keys(target) == []
    assert stack.read(execution["Statistics"]["DataManifestLocation"]) == b""
    assert stack.arrow("SELECT 1 AS a WHERE 1 = 0").num_rows == 0


def test_unload_refuses_a_folder_with_something_in_it(stack: Stack) -> None:
    target = stack.target()
    sql = f"UNLOAD (SELECT 1 AS a) TO '{target}' WITH (format = 'PARQUET')"
    assert stack.run(sql)["Status"]["State"] == "SUCCEEDED"
    before = stack.keys(target)
    assert stack.failure(sql).startswith("HIVE_PATH_ALREADY_EXISTS: Target directory for table ")
    assert stack.keys(target) == before


@pytest.mark.parametrize("query, reason", [
    ("SELECT 1 AS a, 2 AS a", "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a' specified more than once"),
    ("SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown: a"),
    ("SELECT current_timestamp AS a", "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"),
])
def test_what_no_parquet_file_can_hold(stack: Stack, query: str, reason: str) -> None:
    assert stack.failure(f"UNLOAD ({query}) TO '{stack.target()}' WITH (format = 'PARQUET')") == reason


@pytest.mark.parametrize("options, reason", [
    ("format = 'ORC'", "NOT_SUPPORTED"), ("format = 'PARQUET', partitioned_by = ARRAY['a']", "NOT_SUPPORTED"),
    ("compression = 'SNAPPY'", "INVALID_TABLE_PROPERTY"), ("format = 'PARQUET', compression = 'X'", "INVALID_TABLE"),
])
def test_options_of_unload_that_are_not_written_here(stack: Stack, options: str, reason: str) -> None:
    sql = f"UNLOAD (SELECT 1 AS a) TO '{stack.target()}' WITH ({options})"
    assert stack.failure(sql).startswith(reason)


def test_parameters_are_sql_text(stack: Stack) -> None:
    sql = "SELECT ? AS a, ? AS b, '?' AS c FROM (VALUES 1) AS t (x) WHERE DATE '2026-01-01' < ? -- ?"
    assert stack.rows(sql, ExecutionParameters=["'it''s'", "DECIMAL '1.50'", "DATE '2026-01-02'"])[1:] == [
        ["it's", "1.50", "?"]]
    assert stack.arrow("SELECT x FROM (VALUES 1, 2, 3) AS t (x) WHERE x > ?", ["2"]).to_pylist() == [{"x": 3}]
    assert stack.failure("SELECT ?", ExecutionParameters=["1", "2"]) == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 2")
    assert stack.failure("SELECT ?") == (
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0")


@pytest.mark.parametrize("parameter", ["1; DROP TABLE x", "1) OR (1 = 1", "1 -- ", "1, 2", "'open", ""])
def test_a_parameter_is_one_expression(stack: Stack, parameter: str) -> None:
    assert stack.failure("SELECT 1 WHERE 1 = ?", ExecutionParameters=[parameter or " "]).startswith("SYNTAX_ERROR")


def test_paths_and_partitions_of_the_lake(stack: Stack) -> None:
    sql = ('SELECT entry_id, dt, hr, "$path" FROM ledger_entries '
           "WHERE dt >= DATE '2026-01-01' AND dt < DATE '2026-01-02' ORDER BY entry_id")
    folder = f"s3://{LAKE}/ledger_entries/dt=2026-01-01/hr=05"
    assert stack.rows(sql)[1:] == [
        ["2026-01-01-00", "2026-01-01", "05", f"{folder}/a b%20é.parquet"],
        ["2026-01-01-01", "2026-01-01", "05", f"{folder}/a b%20é.parquet"],
        ["2026-01-01-10", "2026-01-01", "05", f"{folder}/plain.parquet"],
        ["2026-01-01-11", "2026-01-01", "05", f"{folder}/plain.parquet"]]


def test_a_statement_reads_exactly_the_paths_that_it_lists(stack: Stack) -> None:
    listed = f"s3://{LAKE}/ledger_entries/dt=2026-01-02/hr=05/a b%20é.parquet"
    found = stack.arrow(f"""
        WITH ledger_entries AS (
            SELECT *, substr("$path", {len(f"s3://{LAKE}/") + 1}) AS source_path FROM "{DATABASE}"."ledger_entries"
            WHERE dt >= DATE '2026-01-01' AND dt < DATE '2026-01-04' AND "$path" IN ('{listed}')),
        counted AS (SELECT count(*) AS n FROM ledger_entries)
        SELECT e.entry_id, e.source_path, c.n FROM ledger_entries AS e CROSS JOIN counted AS c""")
    path = "ledger_entries/dt=2026-01-02/hr=05/a b%20é.parquet"
    assert sorted(found.to_pylist(), key=lambda row: str(row["entry_id"])) == [
        {"entry_id": f"2026-01-02-0{row}", "source_path": path, "n": 2} for row in range(2)]


def test_the_hidden_column_stays_hidden(stack: Stack) -> None:
    sql = "SELECT * FROM ledger_entries WHERE dt = DATE '2026-01-03'"
    plain = stack.rows(f"{sql} LIMIT 0")[0]
    assert "$path" not in plain
    assert plain[-2:] == ["dt", "hr"]
    assert stack.rows(f"{sql} AND \"$path\" LIKE '%plain%'")[0] == plain
    path = "$path"
    assert stack.rows(f"SELECT *, \"{path}\" AS p FROM ledger_entries WHERE dt = DATE '2026-01-03'")[0] == [*plain, "p"]


def test_a_folder_that_the_properties_do_not_project_is_not_read(stack: Stack) -> None:
    where = "WHERE dt >= DATE '2026-01-01' AND dt < DATE '2026-01-04'"
    before = stack.rows(f"SELECT count(*) FROM ledger_entries {where}")
    body = stack.read(f"s3://{LAKE}/ledger_entries/dt=2026-01-01/hr=05/plain.parquet")
    for key in ("dt=2026-01-01/hr=5/x.parquet", "dt=2026-01-01/hr=24/x.parquet", "dt=2026-01-01/hr=05/deep/x.parquet",
                "dt=2026-01-01/hr=05/_x.parquet", "dt=2026-01-01/hr=05/.x.parquet", "dt=2026-1-1/hr=05/x.parquet"):
        stack.s3.put_object(Bucket=LAKE, Key=f"ledger_entries/{key}", Body=body)
    try:
        assert stack.rows(f"SELECT count(*) FROM ledger_entries {where}") == before
    finally:
        for key in stack.keys(f"s3://{LAKE}/ledger_entries/"):
            if not key.endswith(("hr=05/plain.parquet", "hr=05/a b%20é.parquet")):
                stack.s3.delete_object(Bucket=LAKE, Key=key)


def test_bytes_scanned_grow_with_what_is_read(stack: Stack) -> None:
    def scanned(columns: str, until: str) -> int:
        sql = f"SELECT {columns} FROM ledger_entries WHERE dt >= DATE '2026-01-01' AND dt < DATE '{until}'"
        return int(stack.run(sql)["Statistics"]["DataScannedInBytes"])

    one_day, two_days = scanned("*", "2026-01-02"), scanned("*", "2026-01-03")
    assert 0 < one_day < two_days
    assert scanned("entry_id", "2026-01-02") <= one_day
    assert stack.run("SELECT 1")["Statistics"]["DataScannedInBytes"] == 0


@pytest.mark.parametrize("sql, reason", [
    ("SELECT nope FROM ledger_entries", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is "
     "not authorized to access requested resources"),
    ("SELECT *\nFROM nope", f"TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.{DATABASE}.nope' does not exist"),
    ("SELECT * FROM no_db.nope", "SCHEMA_NOT_FOUND: line 1:15: Schema 'no_db' does not exist"),
    ("SELECT bogus(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'bogus' not registered"),
])
def test_reasons_of_failure(stack: Stack, sql: str, reason: str) -> None:
    assert stack.failure(sql) == reason
    assert stack.failure(f"UNLOAD ({sql}) TO '{stack.target()}' WITH (format = 'PARQUET')") == reason


def test_a_value_that_cannot_be_cast(stack: Stack) -> None:
    assert stack.failure("SELECT CAST(a AS BIGINT) FROM (VALUES 'x') AS t (a)").startswith("INVALID_CAST_ARGUMENT: ")
    with pytest.raises(OperationalError, match="INVALID_CAST_ARGUMENT"):
        stack.arrow("SELECT CAST(a AS BIGINT) AS b FROM (VALUES 'x') AS t (a)")


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT FROM WHERE", "SELECT (1", "UNLOAD SELECT 1", "UNLOAD (SELECT 1)"])
def test_a_statement_that_does_not_parse_is_not_started(stack: Stack, sql: str) -> None:
    with pytest.raises(stack.api.exceptions.InvalidRequestException, match=r"line 1:\d+: "):
        stack.start(sql)


def test_a_table_that_was_just_made_through_glue(stack: Stack) -> None:
    target = stack.target()
    assert stack.run(f"UNLOAD (SELECT 'x' AS k, CAST(7 AS BIGINT) AS v) TO '{target}' WITH (format = 'PARQUET')")[
        "Status"]["State"] == "SUCCEEDED"
    name = f"made_{target.split('/')[-2].replace('-', '')}"
    columns = [{"Name": "k", "Type": "string"}, {"Name": "v", "Type": "bigint"}, {"Name": "absent", "Type": "date"}]
    stack.glue.create_table(DatabaseName=DATABASE, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [], "Parameters": {"EXTERNAL": "TRUE"},
        "StorageDescriptor": glue_storage(columns, target)})
    assert stack.rows(f"SELECT k, v, absent FROM {name}") == [["k", "v", "absent"], ["x", "7", None]]
    stack.glue.update_table(DatabaseName=DATABASE, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [], "Parameters": {"EXTERNAL": "TRUE"},
        "StorageDescriptor": glue_storage([{"Name": "k", "Type": "bigint"}], target)})
    assert stack.failure(f"SELECT k FROM {name}").startswith("HIVE_BAD_DATA: ")


@pytest.mark.parametrize("unloads", [False, True])
def test_stopping_ends_a_query_that_runs(stack: Stack, unloads: bool) -> None:
    many = "UNNEST(sequence(1, 10000)) AS {0} ({0})"
    sql = (f"SELECT count(*) AS n FROM {many.format('a')}, {many.format('b')}, {many.format('c')}, {many.format('d')} "
           "WHERE a * b + c <> d")
    target = stack.target()
    query = stack.start(f"UNLOAD ({sql}) TO '{target}' WITH (format = 'PARQUET')" if unloads else sql)
    stack.running(query)
    # Long enough for the backend to be at work.
    time.sleep(1)
    stack.api.stop_query_execution(QueryExecutionId=query)
    status = stack.ended(query)["Status"]
    assert status["State"] == "CANCELLED"
    assert "AthenaError" not in status
    assert stack.keys(target) == []
    assert stack.at_work() == 0
    with pytest.raises(stack.api.exceptions.InvalidRequestException, match="Final query state: CANCELLED"):
        stack.api.get_query_results(QueryExecutionId=query)


def test_queries_run_beside_each_other(stack: Stack) -> None:
    def one(number: int) -> list[dict[str, object]]:
        _, files = stack.unloaded(f"SELECT {number} AS n, count(*) AS rows FROM ledger_entries "
                                  "WHERE dt = DATE '2026-01-01'")
        return [row for file in files for row in file.to_pylist()]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(6))) == [[{"n": number, "rows": 4}] for number in range(6)]


def test_utilities(stack: Stack) -> None:
    assert [DATABASE] in stack.rows("SHOW DATABASES")
    assert ["ledger_entries"] in stack.rows("SHOW TABLES")
    assert stack.rows(f"SHOW TABLES IN {DATABASE} 'ledger_e*'") == [["ledger_entries"]]
    described = stack.rows(f"DESCRIBE {DATABASE}.ledger_entries")
    assert ["entry_id", "string"] in [[str(cell).strip() for cell in row[:2]] for row in described]
    assert stack.rows("EXPLAIN SELECT entry_id FROM ledger_entries WHERE dt = DATE '2026-01-01'")
