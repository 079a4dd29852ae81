"""Fixed-width texts made in bulk: ULIDs, gateway references, trace ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UPPER = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEX = b"0123456789abcdef"

Letters = npt.NDArray[np.uint8]


def draw(rng: np.random.Generator, count: int, width: int, alphabet: bytes) -> Letters:
    """`count` random texts of `width` letters, as a (count, width) array of bytes."""
    return np.frombuffer(alphabet, np.uint8)[rng.integers(0, len(alphabet), (count, width), dtype=np.uint8)]


def ulids(at: npt.NDArray[np.int64], rng: np.random.Generator) -> Letters:
    """A ULID per instant (milliseconds). For instants in ascending order the ids ascend too: the order is kept in
    the upper half of the random part."""
    count = len(at)
    digits = np.empty((count, 26), np.uint8)
    ordinal = np.arange(count, dtype=np.int64)
    for place in range(10):
        digits[:, 9 - place] = (at >> (5 * place)) & 31
    for place in range(6):
        digits[:, 15 - place] = (ordinal >> (5 * place)) & 31
    digits[:, 16:] = rng.integers(0, 32, (count, 10), dtype=np.uint8)
    return np.frombuffer(CROCKFORD, np.uint8)[digits]


def strings(letters: Letters) -> list[str]:
    """The texts as Python strings."""
    count, width = letters.shape
    return [text.decode() for text in np.ascontiguousarray(letters).view(f"S{width}").reshape(count).tolist()]


def arrow(letters: Letters) -> pa.StringArray:
    """The texts as an Arrow string column, without a Python object per row."""
    count, width = letters.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(letters.tobytes()))
