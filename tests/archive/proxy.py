"""A proxy before an object store that does, seeded, what networks and busy stores do."""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
BROKEN = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


@dataclass
class Faults:
    """Shares of requests that meet a fault; seen: how many did.

    busy: 503. broken: 500. reset: a connection that is reset before the store has seen the request.
    cut: half of a body. lost: the store has done it, and its answer does not come. flip: of an object
    that is read, one bit. lose_next: so many answers to a PUT are lost, whatever the shares.
    """

    busy: float = 0.0
    broken: float = 0.0
    reset: float = 0.0
    cut: float = 0.0
    lost: float = 0.0
    flip: float = 0.0
    lose_next: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    random: random.Random = field(default_factory=lambda: random.Random(21))

    def usual(self) -> None:
        """Take the shares that an archive has to live with."""
        self.busy, self.broken, self.reset, self.cut, self.lost, self.flip = 0.1, 0.03, 0.03, 0.05, 0.03, 0.05

    def none(self) -> None:
        """Take no faults from now on."""
        self.busy = self.broken = self.reset = self.cut = self.lost = self.flip = 0.0

    def of(self, method: bytes, target: bytes) -> str:
        """Return the fault of the next request, empty for none."""
        if self.lose_next and method == b"PUT":
            self.lose_next -= 1
            self.seen["lost"] += 1
            return "lost"
        drawn = self.random.random()
        of_object = method == b"GET" and target.split(b"?")[0].count(b"/") > 1
        for name in ("busy", "broken", "reset", "cut", "lost", "flip"):
            drawn -= getattr(self, name)
            if drawn < 0:
                if (name == "flip" and not of_object) or (name == "cut" and method != b"GET"):
                    return ""
                self.seen[name] += 1
                return name
        return ""


class FaultyProxy:
    """Passes requests on to a port of this machine, each by a connection of its own."""

    def __init__(self, upstream: int, faults: Faults) -> None:
        self.faults, self._upstream = faults, upstream
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        self.revive()

    def revive(self) -> None:
        """Listen, at the same port as before."""
        server = self._do(asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**20))
        self._server, self.port = server, server.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Refuse connections and reset those that are open."""

        async def die() -> None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()

        self._do(die())

    def close(self) -> None:
        self.die()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        method, target = head.split(b" ", 2)[:2]
        fault = self.faults.of(method, target)
        if fault == "reset":
            writer.transport.abort()
            return
        if fault in ("busy", "broken"):
            answer = _error(503, BUSY) if fault == "busy" else _error(500, BROKEN)
        else:
            answer = await self._ask(head, body)
        if fault == "lost":
            writer.transport.abort()
            return
        writer.write(_spoilt(answer, fault, self.faults.random))
        await writer.drain()

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        """Return the whole answer of the store, which closes the connection after it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
        writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
        try:
            return await reader.read()
        finally:
            writer.close()


def _error(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Error\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def _spoilt(answer: bytes, fault: str, chance: random.Random) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    if fault == "cut":
        return head + b"\r\n\r\n" + body[: len(body) // 2]
    if fault == "flip" and body and head.split(b" ")[1] in (b"200", b"206"):
        # Anywhere: the same bit twice would be damage in the store, which trying again does not mend.
        where = chance.randrange(len(body))
        body = body[:where] + bytes([body[where] ^ 1 << chance.randrange(8)]) + body[where + 1 :]
    return head + b"\r\n\r\n" + body
