"""Decodes the next batch of scenes in a thread of its own while the network works on this one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer.plan.scenes import Readable
from infer.predict.gpu import GpuContext
from infer.process.journal import Journal, Redone

if TYPE_CHECKING:
    from infer.read.decoder import Decoded


@dataclass
class DecodedBatch:
    """Scenes of one padded shape, and what was decoded of each."""

    scenes: list[Readable]
    decoded: list[Decoded] = field(default_factory=list)


class Reader:
    """Iterates over decoded batches in the order given. Use it in a `with` block, which may be left half-way.

    gpu: where pixels go if that opens, None for a CPU.
    decode_seconds is the time spent decoding so far, most of it beside the network's.
    """

    def __init__(
        self,
        batches: list[list[Readable]],
        gpu: GpuContext | None,
        say: Callable[[str], None],
        redone: Callable[[Redone], None],
        journal: Journal | None = None,
    ) -> None:
        self.decode_seconds = 0.0
        self._batches = batches
        self._gpu, self._say, self._redone, self._journal = gpu, say, redone, journal
        # One batch waits, one is being decoded, one is with the network: that bounds the memory.
        self._ready: queue.Queue[DecodedBatch | BaseException | None] = queue.Queue(maxsize=1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[DecodedBatch]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop decoding and wait until the thread is out of the native decoders."""
        self._stop.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._ready.get(timeout=0.05)

    def _run(self) -> None:
        try:
            from infer.read.decoder import Decoder  # DALI is slow to import: here it loads beside the engine

            largest = max(len(batch) for batch in self._batches)
            gpu = self._gpu is not None and self._gpu.fault() is None
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
                self._ready.put(batch)
            self._ready.put(None)
        except BaseException as error:  # a bug or a broken installation: raised again by __iter__
            self._ready.put(error)
