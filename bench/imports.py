"""How long each function's module takes to load against `import boto3` alone, with nothing but the package at hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.ratio import Ratio
from infra import package

CALLS_A_GATEWAY = {"authorize", "capture"}
TOLD = ["pipeline.telemetry.recorder", "aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch"]
"""What the first span and the first metric load."""
LEDGER = ["boto3", "pipeline.ledger.postgres", *TOLD]
FIRST_CALL = {
    "authorizer": ["boto3"], "notify": ["boto3", *TOLD], "lake_transform": ["boto3"], "redrive": ["boto3"],
    **{name: [*LEDGER, "redis", "pipeline.gateways.stripe", "pipeline.gateways.adyen"] for name in CALLS_A_GATEWAY},
}
"""What is loaded only when a function is first called; LEDGER where nothing else is said."""

BAR, GATEWAY_BAR = 2.0, 4.0
BY = """
import sys, time
sys.path[:] = sys.argv[1:3] + [entry for entry in sys.path if "site-packages" not in entry]
start = time.perf_counter()
for name in sys.argv[3:]:
    __import__(name)
print(time.perf_counter() - start)
"""


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """One figure per handler; what its first call loads besides is reported with it."""
    places = (scratch / "package", scratch / "runtime")
    package.gather(places[0])
    package.libraries(places[1], only=package.IN_THE_RUNTIME)
    rounds = 2 if small else 5
    modules = {name: [f"pipeline.handlers.{name}"] for name in handlers()}
    called = {f"{name}, called": [*loaded, *FIRST_CALL.get(name, LEDGER)] for name, loaded in modules.items()}
    best = _alternate(places, {"boto3": ["boto3"], **modules, **called}, rounds)
    for name in modules:
        bar = GATEWAY_BAR if name in CALLS_A_GATEWAY else BAR
        first = round(best[f"{name}, called"] / best["boto3"], 2)
        yield Ratio(f"import of {name}", best[name], best["boto3"], bar=bar,
                    facts={"rounds": rounds, "with what its first call loads": first})


def handlers() -> list[str]:
    """Names of the modules that are functions."""
    found = (package.ROOT / "pipeline" / "handlers").glob("*.py")
    return sorted(path.stem for path in found if "\ndef handler(" in path.read_text(encoding="utf-8"))


def _alternate(places: tuple[Path, Path], wanted: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """Least seconds of each import in a new process, taken in turns; the first, which compiles, does not count."""
    best = dict.fromkeys(wanted, float("inf"))
    for taken in range(rounds + 1):
        for name, imports in wanted.items():
            seconds = _seconds(places, imports)
            if taken:
                best[name] = min(best[name], seconds)
    return best


def _seconds(places: tuple[Path, Path], imports: list[str]) -> float:
    done = subprocess.run([sys.executable, "-I", "-S", "-c", BY, *map(str, places), *imports], capture_output=True,
                          text=True, check=True)
    return float(done.stdout)
