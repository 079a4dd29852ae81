"""What a notebook calls besides the reconciliation itself: plain refusals, progress, and the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.errors import Refused
from recon.match import output
from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile as reconcile_request
from recon.schedule import progress, record


class Refusal(Refused):
    """A refusal as a notebook shows it: the plain message, no stack."""

    def _render_traceback_(self) -> list[str]:
        return [f"Refused: {self}"]


def reconcile(
    *, window: str, as_of: str, lake: str, engine: str, known_at: str | None = None, manifest: str | None = None
) -> RunResult:
    """Run one window on a lake with the notebook's own parameters (see Request.parse). Raises Refusal."""
    with _plainly():
        request = Request.parse(
            window=window, as_of=as_of, lake=lake, engine=engine, known_at=known_at, manifest=manifest
        )
        return reconcile_request(request, progress=progress.tell)


def finish(result: RunResult, out: str) -> record.Record:
    """Write the four files of a run into the folder `out` and return the record of them. Raises Refusal."""
    with _plainly():
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        output.write(result, folder)
        return record.of(folder)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise Refusal(str(refused)) from None
