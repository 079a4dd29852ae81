"""The deployed schedules: they fire, the run happens on Athena, and nothing that goes wrong is lost or done twice."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.deploy import SCHEDULE, read
from infra.local.errors import LocalRefused
from infra.local.stack import Stack
from recon.match.request import Request
from recon.match.run import reconcile
from tests.integration.recon_site import SAMPLE, ReconSite, small, until

THE_RUN, THE_TIME = "T7/2026-03-13", datetime(2026, 3, 13, 6, tzinfo=UTC)
ATTEMPT = f"{THE_RUN}/2026-03-13T060000Z"
SMALL_RUN, SMALL_TIME = "T7/2026-03-17", datetime(2026, 3, 17, 6, tzinfo=UTC)
SMALL_ATTEMPT = f"{SMALL_RUN}/2026-03-17T060000Z"
SIX_FILES = {"reconciliation.ipynb", "reconciliation.html", "divergences.parquet", "matches.parquet", "summary.json",
             "manifest.json"}
MISSING: dict[str, bytes] = {}
"""What the late report will bring."""
FIRED_S, RATE_S = 180.0, 180.0
"""At most: the Scheduler looks every ten seconds, and three runs at once take half a minute on two processors."""


@pytest.fixture(scope="module")
def sites(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ReconSite]]:
    """Three lakes, each with the template deployed over it; T+7 of each is fired once by the Scheduler, all together.

    One has no fault, one lacks a report that is due, and in one its lines are no Parquet. Over the first the hourly
    schedule comes every minute.
    """
    folders = {name: tmp_path_factory.mktemp(name) for name in ("late", "broken")}
    for path in small(folders["late"]):
        MISSING[path.relative_to(folders["late"]).as_posix()] = path.read_bytes()
        path.unlink()
    lines = small(folders["broken"])[-1]
    assert "settlement_lines" in lines.parts
    lines.write_bytes(b"PAR1 this is no Parquet")
    made = {name: ReconSite.over(stack, name, lake) for name, lake in {"whole": SAMPLE, **folders}.items()}
    soon = datetime.now(UTC) + timedelta(seconds=1)
    for name, site in made.items():
        site.scheduled.once("T+7", soon, scheduled_at=THE_TIME if name == "whole" else SMALL_TIME)
    rate(made["whole"], "ENABLED")
    yield made
    rate(made["whole"], "DISABLED")


@pytest.fixture
def whole(sites: dict[str, ReconSite]) -> ReconSite:
    """The lake without a fault, once its run is done."""
    until(lambda: sites["whole"].finished(THE_RUN), what="the scheduled run", seconds=FIRED_S)
    return sites["whole"]


@pytest.fixture
def late(sites: dict[str, ReconSite]) -> ReconSite:
    """The lake that a report has not reached yet."""
    return sites["late"]


@pytest.fixture
def broken(sites: dict[str, ReconSite]) -> ReconSite:
    """The lake with objects that are no Parquet."""
    return sites["broken"]


def rate(site: ReconSite, state: str) -> None:
    """Lets the deployed hourly schedule come every minute, all else as the template says; or no more."""
    schedule = site.scheduled.schedule("hourly")
    site.scheduled.client("scheduler").update_schedule(
        Name=schedule["Name"], GroupName=schedule["GroupName"], ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"}, State=state, Target=schedule["Target"])


def classes(site: ReconSite, folder: str) -> list[str]:
    """The classes that a run found, one for each row."""
    return sorted(row["class"] for row in site.table(f"{folder}/divergences.parquet").to_pylist())


def test_a_schedule_fires_and_the_run_says_what_a_run_by_hand_says(whole: ReconSite) -> None:
    state = whole.finished(THE_RUN)
    assert state
    [attempt] = state["attempts"]
    assert (attempt["folder"], attempt["status"], attempt["error"]) == (ATTEMPT, "ok", "")
    assert {name.rpartition("/")[2] for name in whole.runs() if ATTEMPT in name} == SIX_FILES
    by_hand = reconcile(Request.parse(window="T+7", as_of="2026-03-13", known_at="2026-03-13T06:00:00Z",
                                      lake=str(SAMPLE), engine="duckdb"))
    said = whole.table(f"{ATTEMPT}/divergences.parquet")
    assert said.num_rows > 20
    left_out = ["run_id"]  # It says which engine's inputs were read.
    assert said.drop_columns(left_out).to_pylist() == by_hand.divergences.drop_columns(left_out).to_pylist()
    assert whole.table(f"{ATTEMPT}/matches.parquet").equals(by_hand.matches)
    assert json.loads(whole.read(f"{ATTEMPT}/summary.json") or b"")["engine"] == "athena"


def test_it_ran_the_code_that_was_deployed(whole: ReconSite) -> None:
    unpacked = {worker.cwd() for worker in whole.workers()}
    assert unpacked
    for code in map(Path, unpacked):
        assert whole.stack.folder in code.parents
        assert (code / "notebooks" / "reconciliation.ipynb").is_file()
        assert not (code / "infra").exists()


@pytest.mark.property(77)
def test_what_it_writes_is_what_its_rights_allow(whole: ReconSite) -> None:
    """The emulator lets everybody do everything: what was written is held against the policy."""
    policy = read(SCHEDULE)["Resources"]["Running"]["Properties"]["PolicyDocument"]["Statement"]
    places = [place["Fn::Sub"] for one in policy if one["Action"] == "s3:PutObject"
              for place in (one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]])]
    allowed = [place.rpartition("${LakePrefix}")[2] for place in places]
    added = {name.removeprefix("all/") for name in whole.added()}
    assert {pattern for pattern in allowed if not fnmatch.filter(added, pattern)} == set()
    assert [name for name in added if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)] == []


def test_causes_are_flagged_once_each_and_fired_again_it_changes_nothing_and_says_nothing(whole: ReconSite) -> None:
    runs, written, flags = whole.runs(), whole.written(), whole.flags()
    of_the_run = [flag for flag in flags if flag["window"] == "T+7"]
    causes = [json.dumps(flag["cause"], sort_keys=True) for flag in of_the_run]
    assert len(causes) == len(set(causes)) > 10
    assert {flag["kind"] for flag in of_the_run} == {"flag"}
    assert all(ATTEMPT in flag["run"] for flag in of_the_run)
    answer = whole.scheduled.invoke({"window": "T+7", "scheduled_at": "2026-03-13T06:00:00Z"})
    assert (answer["outcome"], answer["folder"]) == ("already", ATTEMPT)
    assert {name: tag for name, tag in whole.runs().items() if THE_RUN in name} == {
        name: tag for name, tag in runs.items() if THE_RUN in name}
    # The hourly schedule may have come meanwhile, and adds its own.
    assert {name: tag for name, tag in whole.written().items() if name in written and "_head" not in name} == {
        name: tag for name, tag in written.items() if "_head" not in name}
    assert [flag for flag in whole.flags() if flag["window"] == "T+7"] == of_the_run


@pytest.mark.property(76)
def test_a_late_feed_is_waited_for_and_a_schedule_of_its_own_finishes_the_run(late: ReconSite) -> None:
    [retry] = until(late.retries, what="the schedule that the run makes for itself", seconds=FIRED_S)
    state = until(lambda: (late.state(SMALL_RUN) or {}).get("next_attempt_at"), what="a run that waits")
    assert state == "2026-03-17T07:00:00Z"
    target, usual = retry["Target"], late.scheduled.schedule("T+7")["Target"]
    assert retry["ActionAfterCompletion"] == "DELETE"
    assert retry["ScheduleExpression"].startswith("at(20")
    assert [target[name] for name in ("Arn", "RoleArn", "DeadLetterConfig")] == [
        usual[name] for name in ("Arn", "RoleArn", "DeadLetterConfig")]
    assert json.loads(target["Input"])["as_of"] == "2026-03-17"
    assert classes(late, SMALL_ATTEMPT) == ["feed_late"]
    late.add(MISSING)
    answer = late.scheduled.invoke(json.loads(target["Input"]))
    assert (answer["outcome"], answer["folder"]) == ("done", f"{SMALL_RUN}/2026-03-17T070000Z")
    finished = late.finished(SMALL_RUN)
    assert finished
    assert [attempt["status"] for attempt in finished["attempts"]] == ["waiting", "ok"]
    assert classes(late, answer["folder"]) == ["missing_at_gateway"]


def test_a_run_whose_function_is_killed_is_finished_by_the_next_firing(late: ReconSite) -> None:
    run, event = "T7/2026-03-18", {"window": "T+7", "scheduled_at": "2026-03-18T06:00:00Z"}
    with ThreadPoolExecutor(1) as pool:
        firing = pool.submit(late.scheduled.invoke, event)
        claimed = until(lambda: late.read(f"{run}/claim.json"), what="the claim")
        until(lambda: any(worker.children() for worker in late.workers()), what="the notebook's kernel")
        for worker in late.workers():
            for process in [worker, *worker.children(recursive=True)]:
                process.kill()
        with pytest.raises(LocalRefused):
            firing.result()
    assert late.state(run) is None
    # Who died cannot say so: until its claim is over a second firing leaves the run alone and comes again.
    assert late.scheduled.invoke(event)["outcome"] == "busy"
    assert late.read(f"{run}/claim.json") == claimed
    [again] = [one for one in late.retries() if "2026-03-18" in one["Name"]]
    late.expire(run)
    answer = late.scheduled.invoke(json.loads(again["Target"]["Input"]))
    assert (answer["outcome"], late.read(f"{run}/claim.json")) == ("done", None)
    state = late.finished(run)
    assert state
    assert [attempt["status"] for attempt in state["attempts"]] == ["ok"]
    assert {name.rpartition("/")[2] for name in late.runs() if f"{run}/2026" in name} == SIX_FILES


def test_a_run_that_fails_is_kept_with_its_error_on_top_and_its_firing_with_the_reason(broken: ReconSite) -> None:
    letter = until(broken.dead_letters, what="the dead letter", seconds=FIRED_S)[0]
    assert letter["requestPayload"] == {"window": "T+7", "scheduled_at": "2026-03-17T06:00:00Z"}
    said = letter["responsePayload"]["errorMessage"]
    assert "settlement_lines" in said
    kept = json.loads(broken.read(f"{SMALL_ATTEMPT}.failed/reconciliation.ipynb") or b"{}")
    top = "".join(kept["cells"][0]["source"])
    assert "This run failed and does not count." in top
    state = broken.state(SMALL_RUN)
    assert state
    assert (state["finished"], state["followed"]) == (False, [])
    assert f"{broken.scheduled.runs}/{SMALL_ATTEMPT}.failed" in state["attempts"][0]["error"]
    [told] = broken.flags()
    assert (told["kind"], told["window"], told["run"]) == (
        "failed", "T+7", f"{broken.scheduled.runs}/{SMALL_ATTEMPT}.failed")
    assert "settlement_lines" in told["reason"]
    assert not broken.written()


@pytest.mark.parametrize("event, said", [
    ({"window": "T+7", "scheduled_at": "2026-02-30T06:00:00Z"}, "scheduled_at"),
    ({"window": "T+7", "scheduled_at": "2026-03-13T06:00:00Z", "as_of": "2026-02-30"}, "2026-02-30"),
    ({"window": "T+9", "scheduled_at": "2026-03-13T06:00:00Z"}, "T+30"),
    ({"window": "hourly"}, "scheduled_at"),
    ({"window": "hourly", "scheduled_at": "<aws.scheduler.scheduled-time>"}, "which the scheduler fills in"),
])
def test_an_event_that_cannot_be_is_refused_plainly_and_nothing_is_begun(
    whole: ReconSite, event: dict[str, str], said: str
) -> None:
    def of_runs() -> list[str]:
        return [name for name in whole.runs() if not name.startswith(("runs/hourly/", "runs/flags/"))]

    before = of_runs()
    with pytest.raises(LocalRefused, match=r"accepted|fills in|does not exist") as refused:
        whole.scheduled.invoke(event)
    assert said in str(refused.value)
    assert of_runs() == before
    told = [flag for flag in whole.flags() if flag["cause"]["class"] == "event_refused"]
    assert str(refused.value) in {flag["reason"] for flag in told}


def test_what_has_no_function_any_more_lies_in_the_dead_letter_queue(broken: ReconSite) -> None:
    schedule = broken.scheduled.schedule("T+30")
    gone = {**schedule["Target"], "Arn": f"{schedule['Target']['Arn']}-gone"}
    broken.scheduled.client("scheduler").create_schedule(
        Name="gone", GroupName=schedule["GroupName"], ScheduleExpression="at(2026-03-13T06:00:00)", Target=gone,
        FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE")
    letter = until(lambda: [one for one in broken.dead_letters() if one.get("window")], what="the dead letter")
    assert letter == [{"window": "T+30", "scheduled_at": "2026-03-13T06:00:00Z"}]


def test_the_hourly_schedule_comes_every_minute_for_the_hour_that_it_is(whole: ReconSite) -> None:
    """Last, since it has to be waited for; what the template says is fired, with the time filled in."""
    def hours() -> list[str]:
        return sorted(name for name in whole.runs() if name.startswith("runs/hourly/") and name.endswith("run.json"))

    [state, *_] = until(hours, what="a run of the hourly schedule", seconds=RATE_S)
    as_of = datetime.fromisoformat(state.split("/")[2] + ":00:00+00:00")
    assert timedelta() <= datetime.now(UTC) - as_of < timedelta(hours=1, minutes=10)
