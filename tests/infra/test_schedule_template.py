"""infra/schedule.yaml: when what runs, with which rights, and that nothing which fails is lost or stays untold."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infra.local.deploy import INFRA, TEMPLATES, read
from infra.local.schedule import WINDOWS
from recon.alerts import metrics
from recon.match.request import WINDOWS as KNOWN_WINDOWS
from recon.schedule.job.firing import Firing
from tests.house.tree import ROOT

T = read(INFRA / "schedule.yaml")
RESOURCES: dict[str, dict[str, Any]] = T["Resources"]
PROPERTIES: dict[str, dict[str, Any]] = {name: r.get("Properties", {}) for name, r in RESOURCES.items()}
PARAMETERS: dict[str, dict[str, Any]] = T["Parameters"]
SCHEDULES = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Scheduler::Schedule"}
EVERY = pytest.mark.parametrize("name", sorted(SCHEDULES))
VARIABLES: dict[str, Any] = PROPERTIES["Run"]["Environment"]["Variables"]
MINUTE = timedelta(minutes=1)

FIELD = re.compile(r"\*|\d+(?:,\d+)*")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12))


def due(expression: str, first: datetime, days: int) -> list[datetime]:
    """The minutes of some days at which a cron() of whole numbers and stars comes."""
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    assert expression == f"cron({' '.join(fields)})"
    assert len(fields) == 6, expression
    minute, hour, day, month, weekday, year = fields
    # One of the two says nothing; who says both is refused.
    assert (weekday, year) == ("?", "*"), expression
    wanted = []
    for field, (low, high) in zip((minute, hour, day, month), RANGES, strict=True):
        assert FIELD.fullmatch(field), field
        values = set(range(low, high + 1)) if field == "*" else {int(value) for value in field.split(",")}
        assert values <= set(range(low, high + 1)), field
        wanted.append(values)
    minutes = (first + number * MINUTE for number in range(days * 24 * 60))
    return [at for at in minutes if all(value in values for value, values in zip(
        (at.minute, at.hour, at.day, at.month), wanted, strict=True))]


def expression(name: str) -> str:
    """A schedule's expression unless somebody gives another."""
    return str(PARAMETERS[SCHEDULES[name]["ScheduleExpression"]["Ref"]]["Default"])


def statements(policy: str) -> list[dict[str, Any]]:
    """What a policy allows."""
    found: list[dict[str, Any]] = PROPERTIES[policy]["PolicyDocument"]["Statement"]
    return found


def rights(policy: str) -> dict[str, str]:
    """Each action with where it may be done, as text."""
    found: dict[str, str] = {}
    for statement in statements(policy):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            found[action] = found.get(action, "") + json.dumps(statement["Resource"])
    return found


def test_there_is_a_schedule_for_every_window_and_its_input_is_a_firing() -> None:
    fired = {}
    for name, schedule in SCHEDULES.items():
        said = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-03-31T06:20:00Z")
        fired[name] = Firing.parse(json.loads(said))
    assert sorted(firing.window for firing in fired.values()) == sorted(KNOWN_WINDOWS) == sorted(WINDOWS)
    assert fired["Hourly"].as_of == datetime(2026, 3, 31, 6, tzinfo=UTC)
    assert fired["T30"].as_of == datetime(2026, 3, 31, tzinfo=UTC)
    names = {firing.window: SCHEDULES[name]["Name"]["Fn::Sub"] for name, firing in fired.items()}
    assert names == {window: f"${{AWS::StackName}}-{end}" for window, end in WINDOWS.items()}


@EVERY
def test_a_schedule_comes_at_times_that_there_are_as_often_as_its_window(name: str) -> None:
    # A leap day, and the days on which clocks are changed in Europe and America.
    for first in (datetime(2028, 2, 28), datetime(2026, 3, 7), datetime(2026, 10, 24)):
        times = due(expression(name), first, 3)
        assert len(times) == (72 if name == "Hourly" else 3)
        steps = {later - earlier for earlier, later in pairwise(times)}
        assert steps == {timedelta(hours=1) if name == "Hourly" else timedelta(days=1)}


@EVERY
def test_zone_and_flexible_window_are_stated_and_a_firing_ends_before_the_next(name: str) -> None:
    schedule = SCHEDULES[name]
    assert schedule["ScheduleExpressionTimezone"] == {"Ref": "ScheduleTimeZone"}
    assert ZoneInfo(PARAMETERS["ScheduleTimeZone"]["Default"]).key == "UTC"
    flexible = schedule["FlexibleTimeWindow"]
    assert flexible["Mode"] == "FLEXIBLE"
    run = timedelta(seconds=PROPERTIES["Run"]["Timeout"])
    assert flexible["MaximumWindowInMinutes"] * MINUTE + run <= timedelta(hours=1) - 20 * MINUTE
    assert schedule["State"] == {"Ref": "ReconScheduleState"}
    assert schedule["GroupName"] == {"Ref": "Schedules"}


def test_the_daily_ones_do_not_begin_at_once_and_an_hour_is_there_before_it_is_looked_at() -> None:
    day = datetime(2026, 3, 31)
    begins = sorted(due(expression(name), day, 1)[0] for name in ("T7", "T14", "T30"))
    widest = max(SCHEDULES[name]["FlexibleTimeWindow"]["MaximumWindowInMinutes"] for name in ("T7", "T14", "T30"))
    assert all(later - earlier > widest * MINUTE for earlier, later in pairwise(begins))
    # The cohort of an hourly run ended an hour before it; a file of the lake waits a buffer and a half, and the relay.
    buffer = read(INFRA / "lake.yaml")["Parameters"]["BufferSeconds"]["MaxValue"]
    assert due(expression("Hourly"), day, 1)[0] - day + timedelta(hours=1) > timedelta(seconds=1.5 * buffer) + MINUTE


@EVERY
def test_what_does_not_reach_the_function_is_tried_again_and_kept(name: str) -> None:
    target = SCHEDULES[name]["Target"]
    assert target["Arn"] == {"Fn::GetAtt": ["Run", "Arn"]}
    assert target["RoleArn"] == {"Fn::GetAtt": ["FiringRole", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    policy = target["RetryPolicy"]
    assert 0 < policy["MaximumRetryAttempts"] <= 185
    # No longer than until the next but a few: a run that old says what another has said since.
    assert 3600 <= policy["MaximumEventAgeInSeconds"] <= (10800 if name == "Hourly" else 86400)


def test_a_run_that_fails_every_time_is_kept_and_told() -> None:
    failures = PROPERTIES["RunFailures"]
    assert failures["FunctionName"] == {"Ref": "Run"}
    assert failures["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert failures["MaximumRetryAttempts"] == {"Ref": "AsyncRetries"}
    # Lambda refuses a destination that the function may not send to.
    assert RESOURCES["RunFailures"]["DependsOn"] == "Running"
    assert PROPERTIES["DeadLetters"] == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 1209600}


def test_who_fires_may_do_nothing_else_and_only_for_these_groups() -> None:
    assert rights("Firing").keys() == {"lambda:InvokeFunction", "sqs:SendMessage"}
    assert PROPERTIES["Firing"]["Roles"] == [{"Ref": "FiringRole"}]
    (trust,) = PROPERTIES["FiringRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": ["Schedules", "Arn"]}, {"Fn::GetAtt": ["Retries", "Arn"]}]}}


def test_the_function_may_do_what_it_does_and_no_more() -> None:
    may = rights("Running")
    assert {action.partition(":")[0] for action in may} == {
        "s3", "glue", "athena", "sns", "sqs", "scheduler", "iam", "logs", "xray"}
    assert may["sns:Publish"] == '{"Ref": "Flags"}'
    assert may["scheduler:CreateSchedule"].endswith('schedule/${Retries}/*"}')
    assert [action for action in may if action.startswith(("scheduler:", "iam:", "sns:", "sqs:"))] == [
        "sns:Publish", "sqs:SendMessage", "scheduler:CreateSchedule", "iam:PassRole"]
    (passing,) = [one for one in statements("Running") if one["Action"] == "iam:PassRole"]
    assert passing["Resource"] == {"Fn::GetAtt": ["FiringRole", "Arn"]}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_the_lake_is_read_and_breaks_are_only_ever_added() -> None:
    of_lake = [one for one in statements("Running") if "LakeBucketName" in json.dumps(one["Resource"])]
    writing = [one for one in of_lake if not str(one["Action"]).startswith(("s3:Get", "['s3:Get"))]
    assert {str(one["Action"]) for one in writing} == {"s3:PutObject"}
    log, head = writing
    assert [place["Fn::Sub"].rpartition("${LakePrefix}")[2] for place in log["Resource"]] == [
        "break_log/*.parquet", "recon_runs/*.parquet"]
    assert log["Condition"] == {"Null": {"s3:if-none-match": "false"}}
    assert head["Resource"]["Fn::Sub"].endswith("${LakePrefix}break_log/_head.json")
    assert not any("Delete" in str(one["Action"]) for one in of_lake)


def test_one_function_is_an_image_on_aws_and_code_on_this_machine() -> None:
    run = PROPERTIES["Run"]
    assert run["PackageType"] == {"Fn::If": ["Local", "Zip", "Image"]}
    assert set(run["Code"]["Fn::If"][1]) == {"S3Bucket", "S3Key"}
    assert run["Code"]["Fn::If"][2] == {"ImageUri": {"Ref": "ImageUri"}}
    handler = run["Handler"]["Fn::If"][1]
    assert f'CMD ["{handler}"]' in (INFRA / "recon.Dockerfile").read_text(encoding="utf-8")
    assert [r for r in RESOURCES.values() if r["Type"] in ("AWS::Lambda::Function", "AWS::Serverless::Function")] == [
        RESOURCES["Run"]]
    assert run["LoggingConfig"] == {"LogGroup": {"Ref": "FunctionLogs"}}
    assert PROPERTIES["FunctionLogs"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_what_the_job_asks_of_the_environment_is_set_and_aws_is_opened_on_aws_alone() -> None:
    places = [*(ROOT / "recon" / "schedule" / "job").glob("*.py"), ROOT / "recon" / "settings.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places)
    asked = set(re.findall(r'"(RECON_(?:[A-Z_]+[A-Z]))"', text))
    by_default = {name for name in asked if name.startswith("RECON_TRINO")} | {
        "RECON_THREADS", "RECON_MEMORY", "RECON_SCRATCH"}
    assert asked - by_default == VARIABLES.keys() - {"RECON_AWS", "AWS_ENDPOINT_URL_ATHENA"}
    assert VARIABLES["RECON_AWS"] == {"Fn::If": ["OnAws", "allowed", {"Ref": "AWS::NoValue"}]}
    assert VARIABLES["AWS_ENDPOINT_URL_ATHENA"] == {
        "Fn::If": ["Local", {"Ref": "AthenaEndpoint"}, {"Ref": "AWS::NoValue"}]}


def test_a_query_and_a_run_have_a_limit() -> None:
    group = PROPERTIES["QueryWorkgroup"]["WorkGroupConfiguration"]
    assert group["BytesScannedCutoffPerQuery"] == {"Ref": "QueryBytes"}
    assert group["EnforceWorkGroupConfiguration"] is False
    assert VARIABLES["RECON_BYTES_BUDGET"] == {"Ref": "BytesBudget"}
    of_aws = {name for name, r in RESOURCES.items() if r.get("Condition") == "OnAws"}
    assert of_aws == {"QueryWorkgroup", "ScratchTables", "ScratchBucket", "ScratchBucketPolicy"}


@pytest.mark.parametrize("name", ["RunsBucket", "ScratchBucket"])
def test_buckets_are_closed_and_encrypted_and_speak_tls_alone(name: str) -> None:
    bucket = PROPERTIES[name]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(bucket["BucketEncryption"])
    (statement,) = PROPERTIES[f"{name}Policy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_runs_are_kept_for_good_and_scratch_is_not() -> None:
    runs, scratch = RESOURCES["RunsBucket"], RESOURCES["ScratchBucket"]
    assert (runs["DeletionPolicy"], runs["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert runs["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert not any("ExpirationInDays" in rule for rule in runs["Properties"]["LifecycleConfiguration"]["Rules"])
    assert "VersioningConfiguration" not in scratch["Properties"]
    (rule,) = scratch["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("athena/", 2)


def test_alarms_tell_of_failure_of_what_was_given_up_and_of_silence() -> None:
    alarms = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    watched = {(alarm["MetricName"], alarm["TreatMissingData"]) for alarm in alarms.values()}
    assert watched >= {("Errors", "notBreaching"), ("ApproximateNumberOfMessagesVisible", "notBreaching"),
                       ("Duration", "notBreaching"), ("Invocations", "breaching")}
    assert all(alarm["AlarmActions"]["Fn::If"][1] == [{"Ref": "AlarmTopicArn"}] for alarm in alarms.values())
    assert alarms["RunLong"]["Threshold"] < PROPERTIES["Run"]["Timeout"] * 1000


def test_alarms_on_our_own_metrics_name_what_is_written_and_watch_money_in_every_window() -> None:
    ours = [r["Properties"] for r in RESOURCES.values()
            if r["Type"] == "AWS::CloudWatch::Alarm" and r["Properties"]["Namespace"] == metrics.NAMESPACE]
    seen: dict[str, list[dict[str, str]]] = {}
    for alarm in ours:
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert dimensions.pop("service") == metrics.SERVICE
        assert alarm["MetricName"] in metrics.UNITS
        assert set(dimensions.values()) <= set(metrics.WINDOWS)
        assert alarm["Threshold"]["Ref"] in PARAMETERS
        seen.setdefault(alarm["MetricName"], []).append(dimensions)
    assert seen == {
        "Unexplained": [{"window": window} for window in metrics.WINDOWS],
        # Written of the whole register, and by every hourly run of all reports.
        "OverdueBreaks": [{}], "FeedsLate": [{"window": "hourly"}]}


def test_it_is_deployed_after_what_it_reads() -> None:
    order = [path.name for path in TEMPLATES]
    assert order.index("lake.yaml") < order.index("lake_tables.yaml") < order.index("schedule.yaml")
    assert "LakeBucketName" in read(INFRA / "lake.yaml")["Outputs"]
