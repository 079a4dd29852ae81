"""The local stack as one thing: emulator, Athena's API and, if wanted, Trino and the pipeline that takes payments."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from infra.local.athena import Athena
from infra.local.emulator import Emulator
from infra.local.errors import LocalRefused
from infra.local.guard import client, local_environment
from infra.local.lake import make_bucket, make_database
from infra.local.pipeline import Pipeline
from infra.local.processes import Server
from infra.local.trino.server import Trino
from pipeline.schemas.tables import DATABASE

WORKGROUP = "recon"
SCRATCH_BUCKET = "recon-scratch"
SCRATCH_DATABASE = "recon_scratch"
TRINO_SCRATCH = "scratch.recon"
WORKGROUP_BYTES = 20_000_000_000
"""What one query of the workgroup may scan."""


def _say_nothing(_: str) -> None:
    """Nobody wants to know how far it is."""


class Part(Protocol):
    """What the stack asks of its parts."""

    def stop(self) -> None:
        """Ends the part with all its processes and removes its folder. May be repeated."""
        ...


@dataclass
class Stack:
    """A running stack below `folder`. Parts that were not wanted are None; a context manager stops it."""

    folder: Path
    emulator: Emulator
    athena: Athena
    trino: Trino | None = None
    pipeline: Pipeline | None = None
    _parts: list[Part] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, *, trino: bool = False, frozen: Sequence[str] = (), pipeline: bool = False,
              parameters: Mapping[str, str] | None = None, tell: Callable[[str], None] = _say_nothing) -> Self:
        """Starts emulator and Athena API, on DuckDB or with `trino` on a Trino server; readers' places are made.

        `frozen`: see Trino.start. With `pipeline` also its databases and the gateways, and infra/pipeline.yaml deployed
        with `parameters` of its own. `tell` gets a line per stage with the seconds that it took.
        Raises LocalRefused, with everything stopped, where a part cannot start or `folder` holds something.
        """
        folder = folder.absolute()
        if folder.exists() and any(folder.iterdir()):
            raise LocalRefused(f"{folder} is not empty; a stack needs a folder of its own")
        folder.mkdir(parents=True, exist_ok=True)
        parts: list[Part] = []
        try:
            start = time.monotonic()
            emulator = Emulator.start(folder / "emulator")
            parts.append(emulator)
            aws = local_environment(emulator.endpoint)
            server = None
            if trino:
                server = Trino.start(folder / "trino", aws=aws, frozen=frozen)
                parts.append(server)
                server.execute(f"CREATE SCHEMA IF NOT EXISTS {TRINO_SCRATCH}")
            athena = Athena.start(folder / "athena", aws=aws, trino=server.url if server else None)
            parts.append(athena)
            running = cls(folder, emulator, athena, server, None, parts)
            running._make_places(deployed=pipeline)
            tell(f"AWS emulator, {'Trino, ' if trino else ''}Athena started ({time.monotonic() - start:.1f} s)")
            if pipeline:
                running.pipeline = Pipeline.start(folder / "pipeline", aws=aws, tell=tell,
                                                  parameters=running.recon_parameters() | dict(parameters or {}))
                parts.append(running.pipeline)
        except BaseException:
            _end(parts, folder)
            raise
        return running

    def environment(self) -> dict[str, str]:
        """Settings of a process that uses the stack: AWS variables of the guard, and those that recon reads."""
        settings = {
            "AWS_ENDPOINT_URL_ATHENA": self.athena.endpoint,
            "RECON_ATHENA_WORKGROUP": WORKGROUP,
            "RECON_ATHENA_DATABASE": DATABASE,
            "RECON_ATHENA_SCRATCH": f"s3://{SCRATCH_BUCKET}/athena/",
            "RECON_ATHENA_SCRATCH_DATABASE": SCRATCH_DATABASE,
            # Answers come at once here; on AWS a second between questions is well spent.
            "RECON_ATHENA_POLL_S": "0.05",
        }
        if self.trino:
            settings |= {
                "RECON_TRINO_URL": self.trino.url,
                "RECON_TRINO_USER": "recon",
                "RECON_TRINO_LAKE": f"lake.{DATABASE}",
                "RECON_TRINO_SCRATCH": TRINO_SCRATCH,
                "RECON_TRINO_SCRATCH_LOCATION": f"s3://{SCRATCH_BUCKET}/trino/",
            }
        if self.pipeline:
            settings |= self.pipeline.environment()
        return local_environment(self.emulator.endpoint, **settings)

    def recon_parameters(self) -> dict[str, str]:
        """What infra/schedule.yaml needs to know of this stack. Its schedules are there and do not fire."""
        return {
            "Target": "local", "AthenaEndpoint": self.athena.endpoint, "AthenaPollSeconds": "0.05",
            "Workgroup": WORKGROUP, "LakeDatabase": DATABASE, "ScratchBucketName": SCRATCH_BUCKET,
            "ScratchDatabase": SCRATCH_DATABASE, "ReconScheduleState": "DISABLED",
            # More at once would take more memory than a small machine has.
            "AtOnce": "2",
        }

    def addresses(self) -> dict[str, str]:
        """Address of each part that runs, by its name."""
        found = {"emulator": self.emulator.endpoint, "athena": self.athena.endpoint}
        found |= {"trino": self.trino.url} if self.trino else {}
        return found | (self.pipeline.addresses() if self.pipeline else {})

    def servers(self) -> dict[str, Server]:
        """The processes that the parts are, by their names."""
        found = {"emulator": self.emulator.server, "athena": self.athena.server}
        if self.trino:
            found |= {f"trino-{number}" if number else "trino": server
                      for number, server in enumerate(self.trino.servers)}
        return found | (self.pipeline.servers() if self.pipeline else {})

    def ended(self) -> str | None:
        """Name and log of a part that has ended by itself, None while all run."""
        return next((f"{server.name} has ended; {server.tail()}" for server in self.servers().values()
                     if not server.running()), None)

    def stop(self) -> None:
        """Ends all parts with their processes and removes the folder. May be repeated."""
        _end(self._parts, self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def _make_places(self, *, deployed: bool) -> None:
        settings = self.environment()
        glue = client("glue", settings)
        make_bucket(client("s3", settings), SCRATCH_BUCKET)
        # The pipeline's template makes the lake's database.
        for database in (SCRATCH_DATABASE,) if deployed else (DATABASE, SCRATCH_DATABASE):
            make_database(glue, database)
        client("athena", settings).create_work_group(Name=WORKGROUP, Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{SCRATCH_BUCKET}/athena/"},
            "EnforceWorkGroupConfiguration": False,
            "BytesScannedCutoffPerQuery": WORKGROUP_BYTES,
        })


def _end(parts: list[Part], folder: Path) -> None:
    for part in reversed(parts):
        part.stop()
    shutil.rmtree(folder, ignore_errors=True)
