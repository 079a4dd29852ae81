"""One winner among processes too, each with its own connection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.guard import child_environment
from infra.local.stack import Stack

CLAIMS = """
import sys, json, boto3
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pipeline.gate.dynamo import DynamoGate
table, key, process = sys.argv[1:]
gate = DynamoGate(boto3.client("dynamodb"), table)
at = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
print("ready", flush=True)
sys.stdin.readline()
def claim(n):
    found = gate.claim(key, fingerprint="f", owner=f"{process}-{n}", mint=lambda: int(process) * 100 + n, at=at)
    return [type(found).__name__, found.payment_id]
with ThreadPoolExecutor(13) as pool:
    print(json.dumps(list(pool.map(claim, range(13)))))
"""


@pytest.mark.property(2)
def test_of_52_claims_in_four_processes_one_wins(stack: Stack, table: tuple[Any, str], key: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, table[1], key, str(number)], stdin=subprocess.PIPE, text=True,
                         stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2],
                         env=child_environment(stack.environment()))
        for number in range(4)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [outcome for process in processes for outcome in json.loads(process.communicate()[0])]
    assert len(outcomes) == 52
    assert [kind for kind, _ in outcomes].count("Won") == 1
    assert {kind for kind, _ in outcomes} == {"Won", "Running"}
    assert len({payment_id for _, payment_id in outcomes}) == 1
