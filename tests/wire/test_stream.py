"""The parts of a body: what is told of the memory, and when."""

from __future__ import annotations

import gc
import gzip
import io
import random
import zlib

import pytest

from icaform.wire.memory import Memory, TooMuch
from icaform.wire.stream import PACKED_PIECE, STEP, Garbled, TooLarge, Unasked, read_body

MEGA = 1 << 20


class Pieces(io.BytesIO):
    """A body that comes in pieces of any size."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._random = random.Random(len(data))
        self._most = most

    def read(self, amt: int, decode_content: bool) -> bytes:
        return super().read(min(amt, self._random.randint(1, self._most)))


def test_a_packed_body_is_the_same_in_steps_of_any_size():
    chance = random.Random(7)
    bodies = [b"", b"a", b" " * (STEP - 1), b" " * STEP, b" " * (STEP + 1), b"ab" * STEP, bytes(3 * MEGA)]
    bodies += [chance.randbytes(size) for size in (1, 1000, STEP, STEP + 1, MEGA)]
    bodies += [chance.randbytes(300) * 5_000, b'{"id": "%d"}' * 100_000]
    tried = 0
    for body in bodies:
        for packed in (gzip.compress(body), gzip.compress(body[:999]) + gzip.compress(body[999:])):
            for most in (max(len(packed) // 500, 1), 1000, PACKED_PIECE):
                told = []
                assert read_body(Pieces(packed, most), "gzip", len(packed), 4 * MEGA, told.append) == body
                assert sum(told) == 2 * len(body)
                assert max(told, default=0) <= 2 * STEP
                tried += 1
            with pytest.raises(Garbled):
                read_body(Pieces(packed[:-1], PACKED_PIECE), "gzip", None, 4 * MEGA, told.append)
    print(f"{tried} bodies")


def test_no_more_than_a_step_is_unpacked_beyond_what_was_granted(monkeypatch):
    unpacked = []

    class Watched:
        def __init__(self, bits):
            self._inner = inflater(bits)

        def decompress(self, data, most):
            part = self._inner.decompress(data, most)
            unpacked.append(len(part))
            return part

        def __getattr__(self, name):
            return getattr(self._inner, name)

    inflater = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Watched)
    packed = gzip.compress(bytes(60 * MEGA))
    assert len(packed) < PACKED_PIECE
    for room in (0, 1, STEP, 10 * STEP, 20 * MEGA):
        unpacked.clear()
        with Memory(room).loan() as loan, pytest.raises(TooMuch):
            read_body(Pieces(packed, PACKED_PIECE), "gzip", None, 64 * MEGA, loan.take)
        assert 2 * sum(unpacked) <= room + 2 * STEP
        unpacked.clear()
        with pytest.raises(TooLarge):
            read_body(Pieces(packed, PACKED_PIECE), "gzip", None, room, lambda _: None)
        assert sum(unpacked) <= room + STEP


def test_packing_that_means_nothing_ends_in_a_limit():
    def told(size: int) -> None:
        assert size == 0

    with pytest.raises(Unasked):
        read_body(Pieces(gzip.compress(b"") * 200, PACKED_PIECE), "gzip", None, MEGA, told)
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    with pytest.raises(TooLarge):
        read_body(Pieces(head + b"\0\0\0\xff\xff" * MEGA, PACKED_PIECE), "gzip", None, MEGA, told)


def test_an_error_keeps_nothing_of_what_its_loan_gave_back():
    class Body(bytes):
        """Bytes that can be counted."""

    def fails() -> None:
        held = Body(MEGA)
        try:
            raise ValueError(len(held))
        except ValueError:
            text = Body(MEGA)
            raise TooMuch(len(text)) from None

    kept = []
    for _ in range(3):
        try:
            with Memory(0).loan():
                fails()
        except TooMuch as error:
            kept.append(error)
    gc.collect()
    assert not any(isinstance(each, Body) for error in kept for each in held_by(error))


def held_by(error: BaseException | None):
    """What the frames hold that an error, and those before it, came through."""
    while error:
        trace = error.__traceback__
        while trace:
            yield from trace.tb_frame.f_locals.values()
            trace = trace.tb_next
        error = error.__context__
