"""Damage to files: bits, numbers, words, lines, cuts, splices, and texts known to upset parsers."""

import random
import re
import struct
from collections.abc import Callable, Sequence

LARGEST = 200_000
_NUMBERS = [
    *("nan", "inf", "-inf", "1e999", "-1e308", "1e308", "1e-320", "0", "-0", "-1", "2147483648", "9" * 400, "1" * 5000),
    *("0x10", "1_000", "1e", ".", "--1", "٣", "1.5.2", "None", "<NA>", "", "?", "1e400000000"),
]
_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
_ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><TiltSeries><Angles>&j;</Angles></TiltSeries>"
)
TOKENS: list[bytes] = [
    *(word.encode() for word in _NUMBERS),
    *(_BOMB.encode(), _ENTITIES.encode(), b"[" * 100_000, b'{"a":' * 50_000, b"<a>" * 50_000, b"- " * 2000),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"\r", b"\x85", b"\xe2\x80\xa8", b"\x1a", b"\xc3\x28"),
    *(b"'", b'"', b"#", b"_", b"data_", b"loop_\n", b"\n;\n", b"save_", b"=", b"[ZValue = ", b"$tilt\n", b"..", b"/"),
    *(b"<!DOCTYPE", b"<!ENTITY", b"&x;", b"<![CDATA[", b"<?xml", b"-->", b"&a", b"*a", b"!!python/object:os.system"),
    *(
        b"2001-99-99",
        b"? ",
        b"{{",
        b"%s%n",
        b"\\",
        b"a" * 70_000,
        b"1 " * 30_000,
        b"\n" * 3000,
        b"IEOF",
        b"CONT",
        b"MESH",
    ),
]
_INTEGERS = (0, 1, -1, 2, 127, 128, 255, 256, 1 << 15, 1 << 16, (1 << 31) - 1, -(1 << 31), 1 << 24, 1 << 30)
Damage = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _span(chance: random.Random, raw: bytes) -> tuple[int, int]:
    first = chance.randrange(len(raw) + 1)
    return first, min(len(raw), first + chance.choice((1, 1, 4, 16, 200)))


def _flip(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(raw)
    for _number in range(chance.choice((1, 1, 2, 8, 32)) if raw else 0):
        changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _integer(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    """Overwrite four bytes in the first kilobyte (or anywhere) with a telling integer or float."""
    first = 4 * chance.randrange(max(1, (len(raw) if chance.random() < 0.3 else min(len(raw), 260)) // 4))
    order = chance.choice("<>")
    if chance.random() < 0.7:
        value = struct.pack(f"{order}i", chance.choice(_INTEGERS))
    else:
        value = struct.pack(f"{order}f", chance.choice((float("nan"), float("inf"), -1e30, 1e-40)))
    return raw[:first] + value + raw[first + 4 :]


def _number(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb"[-+.\d][\d.eE+-]*", raw[:20_000]))
    if not found:
        return raw
    match = chance.choice(found)
    return raw[: match.start()] + chance.choice(_NUMBERS).encode() + raw[match.end() :]


def _token(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    first, last = _span(chance, raw)
    return raw[:first] + chance.choice(TOKENS) + raw[last if chance.random() < 0.5 else first :]


def _whole(chance: random.Random, _raw: bytes, _: Sequence[bytes]) -> bytes:
    return chance.choice(TOKENS) * chance.choice((1, 1, 3))


def _delete(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    first, last = _span(chance, raw)
    return raw[:first] + raw[last:]


def _repeat(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    first, last = _span(chance, raw)
    return raw[:last] + raw[first:last] * chance.choice((1, 1, 10, 300)) + raw[last:]


def _cut(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _splice(chance: random.Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def _lines(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    """Shuffle, drop or double lines."""
    lines = raw.splitlines(keepends=True)
    if not lines:
        return raw
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines[: two + 1] + lines[two:] if chance.random() < 0.5 else lines[:two] + lines[two + 1 :])


def _words(chance: random.Random, raw: bytes, _: Sequence[bytes]) -> bytes:
    """Drop or double a word."""
    words = re.split(rb"(\s+)", raw[:20_000])
    place = chance.randrange(len(words))
    return b"".join(words[:place] + words[place : place + 1] * chance.choice((0, 2)) + words[place + 1 :])


_DAMAGES: tuple[Damage, ...] = (
    *(_flip, _integer, _integer, _number, _number, _number, _token, _token, _delete, _repeat, _cut, _splice, _lines),
    *(_words, _words),
)


def damaged(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Make a damaged file out of valid ones, or of those that came of them."""
    raw = chance.choice(seeds)
    if chance.random() < 0.01:
        return _whole(chance, raw, seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        raw = chance.choice(_DAMAGES)(chance, raw, seeds)
    return raw[:LARGEST]
