"""Decodes the next batch of scenes in a thread of its own while the network works on this one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer.plan.scenes import Readable
from infer.predict.gpu import GpuContext
from infer.process.budget import Budget
from infer.process.journal import Journal, Redone

if TYPE_CHECKING:
    from infer.read.decoder import Decoded


CHECK_SECONDS = 0.05  # between looks whether the reader is to be left
# Bytes of pixels that wait at most, and one batch always. A CPU has no use for more than that one; a GPU may
# be ahead of the decoders now and behind them later.
READ_AHEAD = {True: 128 * 1024**2, False: 0}


@dataclass
class DecodedBatch:
    """Scenes of one padded shape, and what was decoded of each."""

    scenes: list[Readable]
    decoded: list[Decoded] = field(default_factory=list)

    def size(self) -> int:
        """Return the bytes of its pixels."""
        return 3 * sum(scene.shape[0] * scene.shape[1] for scene in self.scenes)


class Reader:
    """Iterates over decoded batches in the order given. Use it in a `with` block, which may be left half-way.

    gpu: where pixels go if that opens, None for a CPU. dali: by DALI and as tensors, else as arrays.
    decode_seconds is the time spent decoding so far, most of it beside the network's.
    """

    def __init__(
        self,
        batches: list[list[Readable]],
        gpu: GpuContext | None,
        say: Callable[[str], None],
        redone: Callable[[Redone], None],
        journal: Journal | None = None,
        dali: bool = True,
    ) -> None:
        self.decode_seconds = 0.0
        self._batches = batches
        self._gpu, self._dali = gpu, dali
        self._say, self._redone, self._journal = say, redone, journal
        # Some batches wait, one is being decoded, one is with the network: that bounds the memory.
        self._ready: queue.Queue[DecodedBatch | BaseException | None] = queue.Queue()
        self._waiting = Budget(READ_AHEAD[gpu is not None])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[DecodedBatch]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._waiting.give_back(item.size())
            yield item

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop decoding and wait until the thread is out of the native decoders."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            if not self._batches:
                self._ready.put(None)
                return
            from infer.read.decoder import Decoder  # DALI is slow to import: here it loads beside the engine

            largest = max(len(batch) for batch in self._batches)
            gpu = self._dali and self._gpu is not None and self._gpu.fault() is None
            decoder = Decoder(gpu, largest, self._say, self._redone)
            for scenes in self._batches:
                if self._stop.is_set():
                    return
                start = time.perf_counter()
                if self._journal:
                    self._journal.starts("decode", [scene.name for scene in scenes])
                batch = DecodedBatch(scenes, decoder.decode(scenes))
                self.decode_seconds += time.perf_counter() - start
                if self._journal:
                    self._journal.starts("decode", ())
                while not self._waiting.take(batch.size(), CHECK_SECONDS):
                    if self._stop.is_set():
                        return
                self._ready.put(batch)
            self._ready.put(None)
        except BaseException as error:  # a bug or a broken installation: raised again by __iter__
            self._ready.put(error)
