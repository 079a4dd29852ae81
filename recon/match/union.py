"""Disjoint sets: who belongs together when belonging is passed on."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Components(Generic[T]):
    """Connected components of whatever was joined."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}

    def join(self, one: T, other: T) -> None:
        """Put both into the same component."""
        self._parent[self.find(one)] = self.find(other)

    def find(self, item: T) -> T:
        """The component's representative; an item never joined is its own."""
        root = self._parent.setdefault(item, item)
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[item] != root:
            self._parent[item], item = root, self._parent[item]
        return root
