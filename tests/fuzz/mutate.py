"""Damages files at random, the same for the same generator: cuts, flips, splices, lies in the header."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

# What breaks readers: nothing, the ends of the types, powers of two and their neighbours.
LIES = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
        0xFFFFFFFF, 0xFFFFFFFE, 23_170, 46_341, 65_537, 1_000_000)  # fmt: skip
ENTRY, BIG_ENTRY = 12, 20  # bytes of an entry of a directory
HARMS = (1, 1, 1, 2, 4)  # how many a file gets, each as often as it stands here


def mutated(files: Sequence[bytes], random: Random) -> bytes:
    """One of the files with some damage."""
    content = bytearray(random.choice(files))
    for _ in range(random.choice(HARMS)):
        harm = random.choices((_lie, _flip, _cut, _fill, _splice, _shift), (6, 4, 1, 1, 1, 1))[0]
        content = harm(content, files, random) or bytearray(b"\0")
    return bytes(content)


def _lie(content: bytearray, files: Sequence[bytes], random: Random) -> bytearray:
    """Another tag, type, count or value in an entry of the first directory."""
    order = ">" if content[:2] == b"MM" else "<"
    big = bytes(content[2:4]) in (b"\x2b\0", b"\0\x2b")
    place, form = (8, "Q") if big else (4, "I")
    if len(content) < 16:
        return content
    (directory,) = struct.unpack_from(order + form, content, place)
    size, header = (BIG_ENTRY, 8) if big else (ENTRY, 2)
    entry = directory + header + size * random.randrange(24)
    value = size - struct.calcsize(form)
    field, form = random.choice(((0, "H"), (2, "H"), (4, form), (value, form)))
    if entry + size > len(content):
        return _flip(content, files, random)
    lie = random.choice(LIES)
    struct.pack_into(order + form, content, entry + field, lie % 2 ** (8 * struct.calcsize(order + form)))
    return content


def _flip(content: bytearray, files: Sequence[bytes], random: Random) -> bytearray:
    """Single bits, in the first bytes as often as in all of the file."""
    end = random.choice((min(len(content), 400), len(content)))
    for _ in range(random.choice((1, 1, 3, 20, 200))):
        content[random.randrange(end)] ^= 1 << random.randrange(8)
    return content


def _cut(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    return content[: random.randrange(len(content))]


def _fill(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    start = random.randrange(len(content))
    length = min(random.randint(1, 500), len(content) - start)
    content[start : start + length] = bytes([random.choice((0, 0xFF, random.randrange(256)))]) * length
    return content


def _splice(content: bytearray, files: Sequence[bytes], random: Random) -> bytearray:
    """The start of this file, the rest of another."""
    other = random.choice(files)
    return content[: random.randrange(len(content))] + other[random.randrange(len(other)) :]


def _shift(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    """Bytes put in or taken out, so that every offset behind them is wrong."""
    start, length = random.randrange(len(content)), random.randint(1, 60)
    if random.random() < 0.5:
        del content[start : start + length]
    else:
        content[start:start] = random.randbytes(length)
    return content
