"""The `recon` command as anyone runs it: a process of its own, whose words are kept in a log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from infra.local.guard import child_environment
from infra.local.story.errors import StageFailed

_ROOT = Path(__file__).resolve().parents[3]
_LAST = 20


@dataclass(frozen=True, slots=True)
class Recon:
    """Runs recon's commands; `logs` keeps what they say, `aws` is the environment of the stack that they may reach."""

    logs: Path
    aws: Mapping[str, str]
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    def end(self) -> None:
        """Ends what still runs."""
        for process in list(self._running):
            process.terminate()

    def run(self, *words: object, log: str = "", accepted: Sequence[int] = (0,)) -> str:
        """The command's standard output. Raises StageFailed where it ends otherwise than `accepted`."""
        path = self.logs / f"{log or words[0]}.log"
        command = [sys.executable, "-m", "recon.cli.app", *map(str, words)]
        with path.open("w+", encoding="utf-8") as said:
            code, printed = self._ended(command, said)
            said.write(printed)
            if code not in accepted:
                said.seek(0)
                end = "".join(said.readlines()[-_LAST:])
                raise StageFailed(f"recon {' '.join(map(str, words))} ended {code}; all of it in {path}\n"
                                  f"{end}")
        return printed

    def _ended(self, command: Sequence[str], said: TextIO) -> tuple[int, str]:
        """Exit code and standard output of a command; it ends with us."""
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, encoding="utf-8",
                              env=child_environment(self.aws), cwd=_ROOT) as process:
            self._running.add(process)
            try:
                printed, _ = process.communicate()
                return process.returncode, printed
            finally:
                process.terminate()
                self._running.discard(process)
