"""The `recon` command as anyone runs it: a process of its own, whose words are kept in a log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.guard import child_environment
from infra.local.story.errors import StageFailed

_ROOT = Path(__file__).resolve().parents[3]
_LAST = 20


@dataclass(frozen=True, slots=True)
class Recon:
    """Runs recon's commands; `logs` keeps what they say, `aws` is the environment of the stack that they may reach."""

    logs: Path
    aws: Mapping[str, str]

    def run(self, *words: object, log: str = "", accepted: Sequence[int] = (0,)) -> str:
        """The command's standard output. Raises StageFailed where it ends otherwise than `accepted`."""
        path = self.logs / f"{log or words[0]}.log"
        command = [sys.executable, "-m", "recon.cli.app", *map(str, words)]
        with path.open("w+", encoding="utf-8") as said:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, check=False,
                                  encoding="utf-8", env=child_environment(self.aws), cwd=_ROOT)
            said.write(done.stdout)
            if done.returncode not in accepted:
                said.seek(0)
                end = "".join(said.readlines()[-_LAST:])
                raise StageFailed(f"recon {' '.join(map(str, words))} ended {done.returncode}; all of it in {path}\n"
                                  f"{end}")
        return done.stdout
