"""A listing of millions of scenes in the order of the bytes of their keys, within bounded memory.

A store lists in an order of its own, which need not be the same twice. Strings of Python would take
a gigabyte for some millions of keys: here they are held by Arrow, and come out some at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from infer.archive.objects.place import ObjectFacts
from infer.errors import UsageError

AT_ONCE = 50_000  # objects that are strings of Python


class OrderedScene(NamedTuple):
    """A scene, and why it gets no mask of its own, or None."""

    facts: ObjectFacts
    refused: str | None


class OrderedListing:
    """All scenes of a listing; iterate over it for them in their order, a key that came twice once."""

    def __init__(self, listed: Iterable[ObjectFacts]) -> None:
        import pyarrow

        keys, etags, sizes, hashes = [], [], [], []
        objects = iter(listed)
        while some := list(islice(objects, AT_ONCE)):
            try:
                keys.append(pyarrow.array([facts.key for facts in some], pyarrow.large_string()))
            except UnicodeEncodeError as error:
                raise UsageError(f"the name {error.object!a} is no UTF-8", "; rename it") from error
            etags.append(pyarrow.array([facts.etag for facts in some], pyarrow.large_string()))
            sizes.append(np.array([facts.size for facts in some], np.int64))
            hashes.append(np.array([hash(mask_of(facts.key)) for facts in some], np.int64))
        self._keys = pyarrow.chunked_array(keys, pyarrow.large_string()).combine_chunks()
        keys.clear()
        pyarrow.default_memory_pool().release_unused()
        self._etags = pyarrow.chunked_array(etags, pyarrow.large_string()).combine_chunks()
        etags.clear()
        pyarrow.default_memory_pool().release_unused()
        self._sizes = np.concatenate(sizes) if sizes else np.empty(0, np.int64)
        self._order = _order(self._keys)
        self._shared = _twice(np.concatenate(hashes) if hashes else np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[OrderedScene]:
        owners: dict[str, str] = {}
        last = None
        for start in range(0, len(self), AT_ONCE):
            order = self._order[start : start + AT_ONCE]
            keys, etags = self._keys.take(order).to_pylist(), self._etags.take(order).to_pylist()
            sizes, shared = self._sizes[order].tolist(), self._shared[order].tolist()
            for key, etag, size, is_shared in zip(keys, etags, sizes, shared, strict=True):
                if key == last:
                    continue
                last, refused = key, None
                if is_shared:
                    owner = owners.setdefault(mask_of(key), key)
                    refused = (
                        None if owner == key else f"its mask {_name(mask_of(key))} belongs to {_name(owner)}"
                    )
                yield OrderedScene(ObjectFacts(key, size, etag), refused)


def mask_of(key: str) -> str:
    """Return the key of a scene's mask below the masks of a run: that of the scene, ending .tif."""
    return key[: key.rindex(".")] + ".tif"


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _order(keys: Any) -> npt.NDArray[np.int64]:
    """Return where the keys stand, in the order of their bytes; equal ones stay in theirs."""
    import pyarrow.compute

    order: npt.NDArray[np.int64] = pyarrow.compute.sort_indices(keys).to_numpy().astype(np.int64)
    return order


def _twice(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which values occur more than once: few, so only of those are the names compared."""
    order = np.argsort(hashes)
    equal = np.diff(hashes[order]) == 0
    twice = np.zeros(len(hashes), bool)
    twice[order[1:][equal]] = True
    twice[order[:-1][equal]] = True
    return twice
