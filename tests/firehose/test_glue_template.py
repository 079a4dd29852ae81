"""infra/lake.yaml declares to Glue and Firehose exactly what pipeline/schemas declares."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.deploy import INFRA, read
from pipeline.handlers.streams import names
from pipeline.lake.failed import ERRORS, HELD
from pipeline.lake.kinds import TABLES
from pipeline.schemas.columns import Table
from pipeline.schemas.render import glue_projection, glue_storage, glue_table
from pipeline.schemas.tables import DATABASE

TEMPLATE = read(INFRA / "lake.yaml")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
EVERY = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))


def called(table: Table) -> str:
    """A table's name in names of the template."""
    return "".join(word.capitalize() for word in table.name.split("_"))


def substituted(value: Any) -> Any:
    """The value with the bucket's name in place."""
    if isinstance(value, dict) and list(value) == ["Fn::Sub"]:
        return str(value["Fn::Sub"]).replace("${LakeBucket}", "BUCKET").replace("${!", "${")
    if isinstance(value, dict):
        return {name: substituted(inner) for name, inner in value.items()}
    return [substituted(inner) for inner in value] if isinstance(value, list) else value


@EVERY
def test_the_glue_tables_are_the_declared_ones(table: Table) -> None:
    declared = substituted(RESOURCES[f"{called(table)}Table"]["Properties"]["TableInput"])
    location = f"s3://BUCKET/{table.name}"
    wanted, storage = glue_table(table), glue_storage(glue_table(table)["Columns"], location)
    assert (declared["Name"], declared["Description"]) == (table.name, wanted["Description"])
    assert declared["PartitionKeys"] == wanted["PartitionKeys"]
    assert declared["Parameters"] == {
        "EXTERNAL": "TRUE", "classification": "parquet", **glue_projection(table, location)}  # fmt: skip
    for name in ("Columns", "Location", "InputFormat", "OutputFormat"):
        assert declared["StorageDescriptor"][name] == storage[name]
    serde = "SerializationLibrary"
    assert declared["StorageDescriptor"]["SerdeInfo"][serde] == storage["SerdeInfo"][serde]


def test_there_is_a_table_a_stream_and_an_alarm_for_each_and_no_other() -> None:
    kinds = {"AWS::Glue::Table": "Table", "AWS::KinesisFirehose::DeliveryStream": "Stream"}
    for kind, end in kinds.items():
        assert {name for name, r in RESOURCES.items() if r["Type"] == kind} == {
            f"{called(table)}{end}" for table in TABLES.values()}  # fmt: skip
    refused = {str(r["Properties"]["Dimensions"]) for r in RESOURCES.values()
               if r["Type"] == "AWS::CloudWatch::Alarm" and r["Properties"]["MetricName"] == "LakeRecordsRefused"}
    assert refused == {str([{"Name": "service", "Value": "payments"}, {"Name": "table", "Value": name}])
                       for name in TABLES}
    assert RESOURCES["Database"]["Properties"]["DatabaseInput"]["Name"] == DATABASE


@EVERY
def test_streams_convert_with_their_table_and_put_files_directly_below_the_hour(table: Table) -> None:
    properties = RESOURCES[f"{called(table)}Stream"]["Properties"]
    target = properties["ExtendedS3DestinationConfiguration"]
    assert properties["DeliveryStreamName"] == {"Fn::Sub": f"${{AWS::StackName}}-{table.name}"}
    folders, file = target["Prefix"].rsplit("/", 1)
    assert folders == f"{table.name}/dt=!{{partitionKeyFromLambda:dt}}/hr=!{{partitionKeyFromLambda:hr}}"
    assert file == "!{timestamp:yyyyMMddHHmm}-"
    assert target["ErrorOutputPrefix"].startswith(f"{ERRORS}{table.name}/!{{firehose:error-output-type}}/")
    assert target["DynamicPartitioningConfiguration"]["Enabled"] is True
    assert target["BufferingHints"]["SizeInMBs"] >= 64
    conversion = target["DataFormatConversionConfiguration"]
    assert conversion["SchemaConfiguration"]["TableName"] == {"Ref": f"{called(table)}Table"}
    assert conversion["OutputFormatConfiguration"] == {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}}
    processors = target["ProcessingConfiguration"]["Processors"]
    parameters = {one["ParameterName"]: one["ParameterValue"] for one in processors[0]["Parameters"]}
    assert ([one["Type"] for one in processors], parameters["LambdaArn"]) == (
        ["Lambda"], {"Fn::GetAtt": ["LakeTransform", "Arn"]})
    # What is sent to the function and back is base64, 6 MB at most.
    assert float(parameters["BufferSizeInMBs"]) * 4 / 3 < 5


def test_the_bucket_is_closed_encrypted_and_kept() -> None:
    bucket = RESOURCES["LakeBucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(bucket["Properties"]["BucketEncryption"])
    expiring = {rule["Prefix"] for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
                if "ExpirationInDays" in rule}
    # Facts are kept for good; what was mended, or was given up, is not.
    assert expiring == {ERRORS, HELD}
    statement = RESOURCES["LakeBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_who_sends_has_the_name_of_every_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in TABLES.values():
        monkeypatch.setenv(f"{table.name.upper()}_STREAM", f"of-{table.name}")
        assert TEMPLATE["Outputs"][f"{called(table)}Stream"]["Value"] == {"Ref": f"{called(table)}Stream"}
    assert names() == {name: f"of-{name}" for name in TABLES}
