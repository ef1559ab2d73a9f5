"""The supervisor's side of the mapper: keeps one alive, and survives what kills it or makes it hang.

As in the plain job, the scenes at hand in a crash are tried one by one in a fresh process; one that kills
that too gets a black mask, which is written here, where its pixels are never touched.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from infer.archive.wire.facts import FAILED, LocalScene, Mapped, MapperSettings, Ready
from infer.archive.wire.lines import unusable_of
from infer.archive.wire.process import MapperProcess
from infer.process.files import draft_of
from infer.process.progress import tell
from infer.settings import smaller_tile

SCENE_SECONDS = 600.0  # without a word, for each scene at hand, after which a process is taken to hang
START_SECONDS = 600.0  # the same until the network is on its device
MAX_UNEXPLAINED = 2  # crashes without a scene to blame after which a call gives up what is left


@dataclass
class _Ended:
    """How a process ended before its request did, and what it said of its last moments.

    code: its exit code, negative the signal; None: it was killed here because it hung. tile: pixels.
    """

    code: int | None = None
    stages: dict[str, list[str]] = field(default_factory=dict)
    tile: int = 0
    gpu_lost: str | None = None
    gpu: bool = False
    seconds: float = 0.0

    @property
    def at_hand(self) -> set[str]:
        """Keys of the scenes that it had begun and not ended."""
        return {key for keys in self.stages.values() for key in keys}

    @property
    def what(self) -> str:
        """What it did, after "it"."""
        if self.code is None:
            return f"hung the process: nothing happened for {self.seconds:g} s"
        if self.code >= 0:
            return f"crashed the process: exit code {self.code}"
        hint = ", as when memory runs out" if -self.code == signal.SIGKILL else ""
        return f"crashed the process: signal {-self.code}{hint}"


class Child:
    """Maps scenes in a process that is started by the first call, and again after each crash.

    Use it in a `with` block, and one call at a time. say: is told in one line of what did not go at once.
    scene_timeout_s: seconds that a scene may take; a process that is silent for so long is killed.
    """

    def __init__(
        self,
        settings: MapperSettings,
        say: Callable[[str], None] = tell,
        scene_timeout_s: float = SCENE_SECONDS,
    ) -> None:
        self._settings, self._say, self._timeout = settings, say, scene_timeout_s
        self._process: MapperProcess | None = None
        self._ready: Ready | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> Ready:
        """Start the process where there is none, and return what it computes with.

        Raises UsageError for what only the user can mend, OSError where no process will start.
        """
        for _ in range(MAX_UNEXPLAINED + 1):
            ended = self._ask([], {})
            if ended is None and self._ready:
                return self._ready
        raise OSError(f"the mapper does not start: it {ended.what if ended else 'says nothing'}")

    def map(self, scenes: Sequence[LocalScene]) -> list[Mapped]:
        """Make the masks of scenes and return what became of each, in their order.

        Whatever their number and order, a mask is the same. Raises UsageError for what only the user can
        mend, ValueError for two scenes of one key, OSError where no process can be started.
        """
        done: dict[str, Mapped] = {}
        if len({scene.key for scene in scenes}) < len(scenes):
            raise ValueError("two scenes of one key")
        unexplained = 0
        while todo := [scene for scene in scenes if scene.key not in done]:
            ended = self._ask(todo, done)
            if ended is None or ended.gpu_lost:
                if ended and not self._goes_on_without_gpu(ended):
                    _give_up([scene for scene in todo if scene.key not in done], done, _gpu_fails(ended))
                continue
            self._say(f"infer: a scene, or something else, {ended.what}: going on without what caused it")
            suspects = [scene for scene in todo if scene.key in ended.at_hand and scene.key not in done]
            lost = [scene for scene in suspects if self._kills_alone(scene, ended, done)]
            if suspects and not lost and ended.gpu:
                self._goes_on_without_gpu(ended)
            elif not suspects:
                unexplained += 1
            if unexplained > MAX_UNEXPLAINED:
                left = [scene for scene in todo if scene.key not in done]
                _give_up(left, done, f"something {ended.what}, again and again")
        return [done[scene.key] for scene in scenes]

    def close(self) -> None:
        """End the process, if there is one, at once."""
        process, self._process = self._process, None
        if process:
            process.kill()

    def _kills_alone(self, scene: LocalScene, before: _Ended, done: dict[str, Mapped]) -> bool:
        """Map one scene in a fresh process; where that ends too, tell so and let the scene's mask be black.

        Where a GPU was in hand and need not be, a CPU tries it. Where the process was killed as memory runs
        out, smaller tiles are tried first.
        """
        usual, tile = self._settings, None
        self.close()
        if before.gpu and usual.device == "auto":
            self._settings = replace(usual, device="cpu")
        try:
            while ended := self._ask([scene], done, tile):
                if ended.code == -signal.SIGKILL and (tile := smaller_tile(ended.tile)):
                    continue
                break
            if scene.key in done:
                return False
            assert ended is not None
            self._lose(scene, ended, done)
            return True
        finally:
            if self._settings is not usual:
                self.close()
                self._settings = usual

    def _lose(self, scene: LocalScene, ended: _Ended, done: dict[str, Mapped]) -> None:
        if ended.gpu_lost or ended.gpu:  # where that is required: another machine's may do
            why = _gpu_fails(ended) if ended.gpu_lost else f"it {ended.what}, with a GPU in use"
            _give_up([scene], done, why)
            return
        from infer.archive.wire.masks import put_black
        from infer.write.outputs import form_of

        job = self._settings.job()
        done[scene.key] = put_black(form_of(job), scene, job.limits, f"it {ended.what}")
        self._say(f"infer: {scene.key}: it {ended.what}: its mask is black")

    def _goes_on_without_gpu(self, ended: _Ended) -> bool:
        """Use the CPU from now on, unless the GPU is required; tell whether that is so."""
        if self._settings.device == "cuda":
            return False
        self.close()
        self._settings = replace(self._settings, device="cpu")
        why = ended.gpu_lost or f"something {ended.what}"
        self._say(f"infer: the GPU cannot be used any more ({why}): going on with the CPU")
        return True

    def _ask(
        self, scenes: Sequence[LocalScene], done: dict[str, Mapped], tile: int | None = None
    ) -> _Ended | None:
        """Have scenes mapped and enter them in `done`; return how the process ended if it did so before."""
        if self._process is None or self._process.has_ended():
            self._process, self._ready = MapperProcess(self._settings), None
        process = self._process
        process.send({"scenes": [scene.line() for scene in scenes], "tile": tile})
        try:
            ended = self._hear(process, done)
        except BaseException:  # what it still says would be taken for answers to the next request
            self.close()
            raise
        if ended:
            self.close()
            for scene in scenes:
                with suppress(OSError):
                    draft_of(scene.mask, process.pid).unlink()
        return ended

    def _hear(self, process: MapperProcess, done: dict[str, Mapped]) -> _Ended | None:
        ended = _Ended()
        while True:
            at_once = max((len(keys) for keys in ended.stages.values()), default=0)
            ended.seconds = self._timeout * max(1, at_once) if self._ready else START_SECONDS
            line = process.next(ended.seconds)
            ended.gpu = self._ready is not None and self._ready.device == "cuda"
            if line is None:
                return ended
            if isinstance(line, int):
                ended.code = line
                return ended
            if "end" in line:
                return None
            self._heed(line, ended, done)

    def _heed(self, line: dict[str, Any], ended: _Ended, done: dict[str, Mapped]) -> None:
        if "ready" in line:
            self._ready = Ready(**line["ready"])
        elif "mapped" in line:
            mapped = Mapped.from_line(line["mapped"])
            done[mapped.key] = mapped
        elif "stage" in line:
            ended.stages[line["stage"]] = line["names"]
            ended.tile = line["tile"] or ended.tile
        elif "reason" in line:
            ended.gpu_lost = line["reason"]
        elif "unusable" in line:
            raise unusable_of(line)


def _give_up(scenes: Sequence[LocalScene], done: dict[str, Mapped], why: str) -> None:
    done.update({scene.key: Mapped(scene.key, FAILED, why) for scene in scenes})


def _gpu_fails(ended: _Ended) -> str:
    return f"the GPU fails: {ended.gpu_lost}"
