"""The table of properties in tests/README.md: which test shows what the pipeline promises. Written by
`python -m tests.house.properties`, and held to the markers by test_properties.py."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from tests.house.tree import ROOT, modules

PAGE = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- properties: python -m tests.house.properties -->\n", "<!-- end of properties -->\n"
NAMED = 3
"""Tests that the table names for a property, of different files where it can."""

PROPERTIES = {
    1: "without an idempotency key: 400, and nothing is left or asked of anybody",
    2: "many identical requests at once: one saga, one payment id, one authorisation",
    3: "a retry after the end gets the same status and bytes, marked as replayed",
    4: "the same key with another amount, currency or method: 422, the first payment untouched",
    5: "the order of members and white space make no other request",
    6: "a retry while the first runs: 409 with Retry-After, without waiting past the edge",
    7: "a key belongs to its merchant, and no two pairs of merchant and key meet in one record",
    8: "a decline stays a decline for its key",
    9: "a validation error is not kept: the mended body goes through under the same key",
    10: "a failure before any effect may be tried again with its key, and then succeeds once",
    11: "an unknown outcome is answered with the payment id, and later with the truth",
    12: "when the owner dies, a retry takes over with the same payment id and finishes",
    13: "an owner that wakes after a takeover can write no record and move no money",
    14: "a first write whose answer was lost is recognised by its own writer",
    15: "an expired record neither replays nor blocks, whether deleted yet or not",
    16: "a key that has expired makes no second payment: the ledger knows it",
    17: "who is turned away at the door leaves no record",
    18: "ids of many workers with freezes, takeovers and jumping clocks are all different",
    19: "an id is positive, below 2^63, tells its parts, and is a string in JSON",
    20: "ids of one worker only rise, also over a full millisecond",
    21: "a clock that goes back gives a refusal or a wait, never an earlier id",
    22: "a worker that wakes after its lease mints nothing before it has claimed again",
    23: "with all slots leased the next claim is refused before any payment exists",
    24: "a dead worker's slot becomes free, and its successor's ids are higher",
    25: "a copied process shares neither slot nor sequence",
    26: "audit labels are well-formed, rise within a process, and never wrap",
    27: "a coordinator killed anywhere: after one sweep the payment has ended and holds nothing",
    28: "whatever strikes a step, the customer pays nothing or exactly the amount",
    29: "undoing goes backwards over what may have happened, until it is acknowledged",
    30: "a step or an undo that is run twice changes nothing the second time",
    31: "undoing what never happened succeeds, and what comes late after it is refused",
    32: "after the capture nothing is unwound: it goes forward until it is done",
    33: "a notification that fails changes no payment",
    34: "too large an output or a broken path still ends in an undo or in recovery",
    35: "timeout, crash, throttle and unknown error all take the way back",
    36: "two executions of one payment have the effects of one",
    37: "timeouts, retries and undoing add up below the execution's limit, the lease and the edge",
    38: "a live lease is never swept, and two sweepers never act on one saga",
    39: "an undo that keeps failing is seen, and tried again",
    40: "every task has a timeout, a retry and a catch; every choice a default",
    41: "at the gateway at most one authorisation and one capture, in any interleaving",
    42: "a lock is given back by its holder alone",
    43: "without Redis the written policy holds and nothing is called twice",
    44: "a read timeout leads to the same key or a question, never to a new key or a guess",
    45: "each gateway operation has one key of its own, made from the payment",
    46: "no key is sent again after the gateway may have forgotten it",
    47: "a failure that the gateway replays for its key does not loop",
    48: "late, repeated and forged webhooks move no payment back or twice",
    49: "the fraud decision is written before any hold and stays the same",
    50: "both gateways keep one contract",
    51: "entries sum to zero per journal and currency, always",
    52: "a journal that does not balance cannot be committed, also not by hand",
    53: "entries can be neither changed nor deleted",
    54: "status and journal change together, for every observer",
    55: "of two transitions from one version one succeeds, and the other looks again",
    56: "the database refuses illegal transitions",
    57: "a limit is never overdrawn, and what is held and available is conserved",
    58: "holds of crashed sagas are released in time",
    59: "a connection cut during COMMIT gives exactly one posting",
    60: "whole minor units of 0 to 3 decimals; what cannot be said is refused",
    61: "balances rebuilt from entries are the stored ones",
    62: "no statement pins a session of the database proxy",
    63: "no session stays idle in a transaction, and no call is made inside one",
    64: "a database that fails over loses no posting and doubles none",
    65: "every end of a payment is told, also when the process dies right after COMMIT",
    66: "nothing is told of a transaction that was rolled back",
    67: "concurrent relays and late commits lose no row",
    68: "duplicate and re-ordered deliveries have one effect each, and stale versions none",
    69: "one bad message is tried again alone, and ends among the dead letters",
    70: "webhooks verify by the standard, keep their id, are signed with both secrets of a rotation, bear no change",
    71: "webhooks come again by the schedule, end on 410, follow no redirection, and go to public addresses alone",
    72: "every ledger entry is in the lake with the types of its schema, and counted once, whatever fails on the way",
    73: "a record that breaks the schema lands under the error prefix, is counted, and can be sent again",
    74: "a clean window reports no break, and each break that was planted is reported once, with its class",
    75: "a window that is run again gives the same, and nothing is done twice",
    76: "what arrives late is reported late and then matched, and no break is made of it",
    77: "reconciliation changes nothing of the ledger",
    78: "metrics are in CloudWatch's format within its limits, with dimensions of a list",
    79: "one trace leads from the edge to the webhook, and recovery's is linked to it",
    80: "no card number, secret or raw key in logs, journal or events",
    81: "what must be watched is measured and has an alarm",
    82: "a failure prints what repeats it",
}


@cache
def shown() -> dict[int, list[str]]:
    """Tests by the property that they are marked with, as file::name, sorted."""
    found: dict[int, set[str]] = defaultdict(set)
    for path, text in modules("tests"):
        for name, numbers in _marked(ast.parse(text)):
            for number in numbers:
                found[number].add(f"{path.removeprefix('tests/')}::{name}")
    return {number: sorted(tests) for number, tests in sorted(found.items())}


def table() -> str:
    """The table, as it stands between its marks."""
    lines = ["| property | what holds | shown by |\n|---|---|---|\n"]
    for number, tests in shown().items():
        files: dict[str, str] = {}
        for test in tests:
            files.setdefault(test.partition("::")[0], test)
        named = [*files.values(), *(test for test in tests if test not in files.values())][:NAMED]
        more = f" and {len(tests) - len(named)} more" if len(tests) > len(named) else ""
        lines.append(f"| {number} | {PROPERTIES[number]} | {', '.join(f'`{test}`' for test in named)}{more} |\n")
    return "".join(lines)


def page() -> str:
    """The whole page with the table as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[int]]]:
    of_all = [number for node in tree.body if isinstance(node, ast.Assign) and _is_pytestmark(node)
              for number in _numbers(node.value)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, of_all + [number for mark in node.decorator_list for number in _numbers(mark)]


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _numbers(node: ast.expr) -> Iterator[int]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.property"):
            yield from (arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, int))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
