"""The same work on many files, in a few threads, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

THREADS = 4  # decoding releases Python's lock; each thread holds one scene at a time

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_threads(work: Callable[[_Item], _Result], items: Sequence[_Item], verb: str) -> list[_Result]:
    """Return the results in the order of the items; the first error, or Ctrl-C, ends it without the rest."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            results = pool.map(work, items)
            return list(tqdm(results, verb, len(items), unit="scene", disable=None, leave=False))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
