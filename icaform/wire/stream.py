"""The body of one answer, read in large pieces, unpacked by ourselves, and never beyond a bound."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

PIECE = 1 << 20
PACKED_PIECE = 1 << 16
"""The same of a packed body: each of its members copies the rest of the piece once more."""
STEP = 1 << 18
"""What is unpacked at once: a packed piece may mean a thousand times its size."""
MOST_PARTS = 100
"""Of a packed body: a server that packs as it goes has a few."""
_GZIP = 16 + zlib.MAX_WBITS


class Source(Protocol):
    """Where the bytes come from: urllib3's response, undecoded."""

    def read(self, amt: int, decode_content: bool) -> bytes: ...


class TooLarge(Exception):  # noqa: N818 - a verdict on bytes
    """The body, unpacked, is larger than the bound."""


class Unasked(Exception):  # noqa: N818 - a verdict on bytes
    """The body is packed in a way that was not asked for; the text says so."""


class Garbled(Exception):  # noqa: N818 - a verdict on bytes
    """The body ends early, or its packing is broken; the text says which."""


def read_body(
    source: Source, encoding: str, length: int | None, bound: int, take: Callable[[int], None]
) -> bytes:
    """All bytes of a body, unpacked. ``length`` is its Content-Length, if the server gave one; ``take`` is
    told of the memory of each piece, and of each step of a packed one, before the next is filled.

    Raises TooLarge as soon as the bound is passed, without reading or unpacking the rest; Unasked; Garbled
    where the body is cut. What the source and ``take`` raise passes through.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Unasked("an answer in a packing that was not asked for")
    if length is not None and length > bound:
        raise TooLarge
    inflate = _Inflate() if encoding.endswith("gzip") else None
    parts: list[bytes] = []
    taken = held = 0
    while piece := _read(source, PACKED_PIECE if inflate else PIECE):
        taken += len(piece)
        for part in inflate.feed(piece) if inflate else (piece,):
            held += len(part)
            if held > bound or taken > bound:
                raise TooLarge
            # Once in its part, once in the whole.
            take(2 * len(part))
            parts.append(part)
    if length is not None and taken < length:
        raise Garbled("an answer that ends early")
    if inflate and taken and not inflate.whole:
        raise Garbled("an answer that ends early")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read(source: Source, size: int) -> bytes:
    try:
        return source.read(size, decode_content=False)
    except ValueError:
        # How http.client takes a chunk that says that its size is below zero.
        raise Garbled("an answer that is no HTTP") from None


class _Inflate:
    """gzip, unpacked no further than asked: urllib3 before 2.6 unpacks whatever a piece holds."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._parts = 1

    @property
    def whole(self) -> bool:
        return self._member.eof

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What the piece unpacks to, no more than a step at once."""
        while piece:
            if self._member.eof:
                self._parts += 1
                if self._parts > MOST_PARTS:
                    raise Unasked("an answer that is packed in too many parts")
                self._member = zlib.decompressobj(_GZIP)
            try:
                part = self._member.decompress(piece, STEP)
            except zlib.error:
                raise Garbled("an answer whose packing is broken") from None
            piece = self._member.unconsumed_tail or self._member.unused_data
            yield part
