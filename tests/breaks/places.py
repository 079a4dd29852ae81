"""Places in which something happens: a rival that is faster, an answer that is lost, a writer that is killed."""

from __future__ import annotations

from collections.abc import Callable

from recon.store.place import LocalPlace
from recon.store.port import Entry


class Killed(BaseException):
    """The process ends here."""


class FasterRival(LocalPlace):
    """Before each of the first `times` objects of the log is created, `rival` does its own work."""

    def __init__(self, root: str, rival: Callable[[], object], times: int = 1) -> None:
        super().__init__(root)
        self._rival, self._times = rival, times

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        if path.startswith("break_log/0") and self._times:
            self._times -= 1
            self._rival()
        return super().create(path, body)


class ListedOnTheWay(LocalPlace):
    """The first listing of a folder misses a name, as one may that goes while others write."""

    def __init__(self, root: str, missed: str) -> None:
        super().__init__(root)
        self._missed: str | None = missed

    def entries(self, folder: str) -> list[Entry] | None:
        """See Store."""
        found = super().entries(folder)
        if found and any(entry.name == self._missed for entry in found):
            found = [entry for entry in found if entry.name != self._missed]
            self._missed = None
        return found


class LostAnswer(LocalPlace):
    """What is created is there, and the writer is told that it was not the one."""

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        super().create(path, body)
        return False


class KilledAfter(LocalPlace):
    """The writer is killed once it has written `writes` objects: before the next, or before it hears of the last."""

    def __init__(self, root: str, writes: int) -> None:
        super().__init__(root)
        self._left = writes

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        self._count()
        return super().create(path, body)

    def replace(self, path: str, body: bytes, tag: str) -> bool:
        """See Place."""
        self._count()
        return super().replace(path, body, tag)

    def _count(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1
