"""What a run does to the register: opens, finds again, changes; never twice, never against later knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon.breaks.changes import Changes
from recon.breaks.errors import BadRun, NotPossible
from recon.breaks.run_files import RunFiles
from recon.breaks.update import enter, update
from recon.errors import Refused
from tests.breaks.desk import START, Desk
from tests.factories.finished_run import Found, case_id, write_run

MOVEMENT = "movement:J1"
FOUND = Found(MOVEMENT)


def ids(changes: Changes, name: str) -> list[str]:
    """Subjects in one list of the changes."""
    return [case.subject_id for case in getattr(changes, name)]


def test_breaks_warnings_and_timing_open_cases_and_information_does_not(desk: Desk) -> None:
    rows = [Found(f"movement:{severity}", severity=severity) for severity in ("info", "timing", "warning", "break")]
    changes = desk.enter(found=rows)
    assert sorted(ids(changes, "opened")) == ["movement:break", "movement:timing", "movement:warning"]
    assert {case.status for case in changes.opened} == {"open"}
    assert not changes.already


def test_two_rows_of_one_subject_are_one_case(desk: Desk) -> None:
    rows = [Found(MOVEMENT, "currency_mismatch", 1000, "EUR"), Found(MOVEMENT, "currency_mismatch", -1100, "USD")]
    [case] = desk.enter(found=rows).opened
    assert (case.cls, dict(case.diff_minor), dict(case.at_risk_minor)) == (
        ("currency_mismatch",), {"EUR": 1000, "USD": -1100}, {"EUR": 1000, "USD": 1100})
    assert case.reason == "something does not fit"


def test_the_gravest_of_several_classes_speaks(desk: Desk) -> None:
    rows = [Found("line:stripe:t1", "fee_variance", -35, severity="warning", reason="Fee."),
            Found("line:stripe:t1", "missing_in_ledger", 35, reason="Money.")]
    [case] = desk.enter(found=rows).opened
    assert (case.cls, case.severity, case.reason) == (("fee_variance", "missing_in_ledger"), "break", "Money. Fee.")
    assert (dict(case.diff_minor), dict(case.at_risk_minor)) == ({"EUR": 0}, {"EUR": 70})


def test_a_run_enters_once(desk: Desk) -> None:
    run = desk.run(found=[FOUND])
    first = desk.register(run)
    before = sorted(path.name for path in desk.folder.rglob("*.parquet"))
    again = desk.register(run)
    assert again == replace(first, already=True)
    assert desk.book().changes_of(run.run_id) == again
    assert sorted(path.name for path in desk.folder.rglob("*.parquet")) == before


def test_whoever_enters_a_run_has_the_register_as_it_is_then(desk: Desk) -> None:
    for run in (desk.run(found=[FOUND]), desk.run("T+14", [FOUND]), desk.run("T+30")):
        for _ in range(2):
            changes, book = enter(desk.place, run, actor="job", now=START)
            read = desk.book()
            assert (book.chain, book.cases, book.runs) == (read.chain, read.cases, read.runs)
            assert replace(changes, already=True) == read.changes_of(run.run_id)


def test_a_run_that_finds_nothing_is_registered_too(desk: Desk) -> None:
    run = desk.run()
    assert desk.register(run) == Changes(run.run_id)
    assert desk.register(run).already
    assert list(desk.book().runs) == [run.run_id]


def test_the_changes_of_a_run_are_those_of_then(desk: Desk) -> None:
    run = desk.run(found=[FOUND])
    first = desk.register(run)
    desk.enter("T+14", [replace(FOUND, diff_minor=2000)])
    assert desk.book().changes_of(run.run_id).opened == first.opened
    with pytest.raises(NotPossible, match=r"run nobody is not in the register of .*; recon breaks update registers it"):
        desk.book().changes_of("nobody")


def test_a_case_that_is_found_again_says_what_is_new(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    changes = desk.enter("T+14", [replace(FOUND, diff_minor=1500, reason="More.")])
    assert (changes.seen, changes.opened, changes.reclassified) == (1, (), ())
    case = desk.case(MOVEMENT)
    assert (case.window, dict(case.diff_minor), case.reason, case.status) == ("T+14", {"EUR": 1500}, "More.", "open")
    assert case.opened_at == START + timedelta(hours=1)
    assert case.last_seen_at == datetime(2026, 3, 24, tzinfo=UTC)


def test_a_case_survives_a_change_of_class(desk: Desk) -> None:
    desk.enter(found=[Found(MOVEMENT, "unsettled", severity="warning")])
    changes = desk.enter("T+14", [Found(MOVEMENT, "missing_at_gateway")])
    assert ids(changes, "reclassified") == ids(changes, "escalated") == [MOVEMENT]
    assert desk.case(MOVEMENT).cls == ("missing_at_gateway",)
    changes = desk.enter("T+30", [Found(MOVEMENT, "settled_late", severity="timing")])
    assert ids(changes, "escalated") == []
    assert desk.case(MOVEMENT).severity == "timing", "another class has a severity of its own"


def test_severity_rises_and_never_falls_while_the_class_is_the_same(desk: Desk) -> None:
    day = Found("feed:stripe:acct_1:payout_reconciliation:2026-03-10T00:00:00Z", "feed_late", 0, None)
    desk.enter(found=[replace(day, severity="warning")], hour=10)
    assert ids(desk.enter(found=[day]), "escalated") == [day.subject]
    late = desk.enter(found=[replace(day, severity="timing")], hour=23, known_after=timedelta(days=9))
    assert (ids(late, "escalated"), late.seen, desk.case(day.subject).severity) == ([], 1, "break")


@pytest.mark.parametrize("cls, severity, hours", [("a", "break", 24), ("b", "warning", 72), ("c", "timing", 168)])
def test_a_case_is_due_by_its_severity(desk: Desk, cls: str, severity: str, hours: int) -> None:
    at = datetime(2026, 3, 12, 6, tzinfo=UTC)
    [case] = desk.enter(found=[Found(MOVEMENT, cls, severity=severity, first_seen_at=at)]).opened
    assert case.due_at == at + timedelta(hours=hours)
    [other] = desk.enter(found=[Found("movement:J2", cls, severity=severity, first_seen_at=None)]).opened
    assert other.due_at == desk.now + timedelta(hours=hours), "without a first sight its time begins with its opening"


def test_a_lake_has_hours_of_its_own(desk: Desk) -> None:
    desk.place.put("policy/policy.json", b'{"classes": {}, "breaks": {"due_hours": {"break": 2}}}')
    [case] = desk.enter(found=[FOUND]).opened
    assert case.due_at == datetime(2026, 3, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize("policy, said", [
    (b"{", "'breaks' is not as expected; accepted: an object"),
    (b"[]", "'breaks' is not as expected"),
    (b'{"breaks": 3}', "'breaks' is not as expected"),
    (b'{"breaks": {"due": {}}}', "'breaks' has due; accepted: due_hours"),
    (b'{"breaks": {"due_hours": {"info": 1}}}', "due_hours has severity 'info'; accepted: timing, warning, break"),
    (b'{"breaks": {"due_hours": {"break": 0}}}', "due_hours of break is 0; accepted: whole hours from 1 to"),
    (b'{"breaks": {"due_hours": {"break": 1.5}}}', "due_hours of break is 1.5; accepted"),
    (b'{"breaks": {"due_hours": {"break": true}}}', "due_hours of break is True; accepted"),
])  # fmt: skip
def test_a_policy_that_is_none_is_refused_with_nothing_written(desk: Desk, policy: bytes, said: str) -> None:
    desk.place.put("policy/policy.json", policy)
    with pytest.raises(Refused, match=said):
        desk.enter(found=[FOUND])
    assert desk.place.entries("break_log") is None
    assert desk.place.entries("recon_runs") is None


def test_a_late_run_does_not_speak_against_later_knowledge(desk: Desk) -> None:
    desk.enter("T+14", [replace(FOUND, diff_minor=700)])
    late = desk.enter(found=[FOUND, Found("movement:J2")])
    assert ids(late, "opened") == ["movement:J2"], "what it alone knows is opened"
    assert (late.seen, dict(desk.case(MOVEMENT).diff_minor)) == (0, {"EUR": 700})
    same_time = desk.enter("T+14", [replace(FOUND, diff_minor=800)])
    assert (same_time.seen, dict(desk.case(MOVEMENT).diff_minor)) == (0, {"EUR": 700})
    assert desk.enter("T+14", [FOUND], known_after=timedelta(hours=1)).seen == 1


def test_a_late_run_does_not_reopen_what_a_later_one_closed(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    assert ids(desk.enter("T+14", matched=[("J1", "t1")]), "resolved") == [MOVEMENT]
    late = desk.enter(found=[FOUND], known_after=timedelta(hours=5))
    assert late.reopened == ()
    assert desk.case(MOVEMENT).status == "resolved"
    later = desk.enter("T+30", [FOUND])
    assert ids(later, "reopened") == [MOVEMENT]
    assert desk.case(MOVEMENT).due_at == desk.now + timedelta(hours=24), "its time begins anew"


def test_a_group_over_two_cohorts_is_the_sum_of_its_parts(desk: Desk) -> None:
    group = Found("group:aa", "ambiguous_match", 500, evidence='{"members": ["movement:J1", "line:stripe:t1"]}')
    next_day = datetime(2026, 3, 11).date()
    desk.enter(found=[group], hour=23)
    desk.enter(found=[replace(group, diff_minor=-200)], hour=0, cohort=next_day)
    assert dict(desk.case("group:aa").diff_minor) == {"EUR": 300}
    desk.enter(found=[group])
    assert dict(desk.case("group:aa").diff_minor) == {"EUR": 300}, "the day takes the place of its hour"
    assert desk.case("group:aa").members == ("line:stripe:t1", "movement:J1")


def test_an_actor_is_somebody(desk: Desk) -> None:
    with pytest.raises(NotPossible, match="actor '  ' names nobody; accepted: 1 to 200 characters"):
        update(desk.place, desk.run(), actor="  ", now=START)


@pytest.mark.parametrize("name", ["divergences.parquet", "matches.parquet", "summary.json"])
def test_a_run_that_lacks_a_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path / "run", found=[FOUND])
    (folder / name).write_bytes(b"{}")
    with pytest.raises(BadRun, match=f"run .*run.*{name} (cannot be read|is of no reconciliation)"):
        RunFiles.read(folder)
    (folder / name).unlink()
    with pytest.raises(BadRun, match=f"run .* has no {name}: it did not finish, or it is no run; accepted"):
        RunFiles.read(folder)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match=r"no run at .*nowhere: no such folder; accepted"):
        RunFiles.read(tmp_path / "nowhere")
    folder = write_run(tmp_path / "one", found=[FOUND])
    other = write_run(tmp_path / "two", "T+14", found=[FOUND])
    (folder / "divergences.parquet").write_bytes((other / "divergences.parquet").read_bytes())
    with pytest.raises(BadRun, match=r"divergences.parquet is of run \w+ and summary.json of \w+: files of two runs"):
        RunFiles.read(folder)
    (folder / "divergences.parquet").write_bytes((folder / "matches.parquet").read_bytes())
    with pytest.raises(BadRun, match=r"divergences\.parquet lacks divergence_id, case_id"):
        RunFiles.read(folder)
    write_run(tmp_path / "three", as_of="soon")
    with pytest.raises(BadRun, match="cannot be read: Invalid isoformat string: 'soon'"):
        RunFiles.read(tmp_path / "three")


def test_cases_are_found_by_the_beginning_of_their_id(desk: Desk) -> None:
    desk.enter(found=[FOUND])
    book, wanted = desk.book(), case_id(MOVEMENT)
    assert book.find(wanted[:6].upper()) == book.find(wanted) == book.cases[wanted]
    for name, said in (("12345", "'12345' is no case id; accepted: at least its first 6"),
                       ("movement", "'movement' is no case id"),
                       ("0" * 8, "there is no case 00000000 in .*; recon breaks list shows")):  # fmt: skip
        with pytest.raises(NotPossible, match=said):
            book.find(name)
