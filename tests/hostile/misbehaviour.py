"""The ways in which a server can misbehave on one call, each a few lines of bytes."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from tests.hostile.impostor import Act, Honest

PIECE = b" " * (1 << 16)
CHUNKED = "Transfer-Encoding: chunked\r\n"
TICK = 0.02
"""Seconds between two bytes of a slow server: so slow that no deadline of a test lets it come to an end."""

REFUSED, FINE, EITHER = frozenset({69}), frozenset({0}), frozenset({0, 69})


@dataclass(frozen=True)
class Misbehaviour:
    """What is done, and with which exit codes a run that only reads may end."""

    act: Act
    ends: frozenset[int] = REFUSED
    slow: bool = False
    """Whether only a deadline ends it."""


def raw(*parts: bytes) -> Act:
    """These bytes, and the end."""

    def act(connection: socket.socket, honest: Honest) -> None:
        connection.sendall(b"".join(parts))

    return act


def body(make: Callable[[bytes], bytes], more: str = "", status: int = 0) -> Act:
    """The honest head around another body."""

    def act(connection: socket.socket, honest: Honest) -> None:
        data = make(honest.body)
        connection.sendall(honest.head(status=status, length=len(data), more=more) + data)

    return act


def headed(more: str = "", status: int | str = 0) -> Act:
    """The honest body behind another head."""
    return lambda connection, honest: connection.sendall(honest.head(status=status, more=more) + honest.body)


def endless(start: Callable[[Honest], bytes], piece: bytes, pause: float = 0.0) -> Act:
    """A beginning, and then the same piece for ever."""

    def act(connection: socket.socket, honest: Honest) -> None:
        connection.sendall(start(honest))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            connection.sendall(piece)
            if pause:
                time.sleep(pause)

    return act


def trickle(make: Callable[[Honest], bytes]) -> Act:
    """The right bytes, one after the other."""

    def act(connection: socket.socket, honest: Honest) -> None:
        for byte in make(honest):
            connection.sendall(bytes([byte]))
            time.sleep(TICK)

    return act


def silent(start: Callable[[Honest], bytes]) -> Act:
    """A beginning, and then nothing, until the client goes away."""

    def act(connection: socket.socket, honest: Honest) -> None:
        connection.sendall(start(honest))
        with contextlib.suppress(OSError):
            connection.recv(1)

    return act


def reset(connection: socket.socket, honest: Honest) -> None:
    """Half of the answer, and a reset."""
    connection.sendall(honest.head() + honest.body[: len(honest.body) // 2])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()


def chunks(pieces: Iterable[bytes]) -> bytes:
    """A body in chunks, without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces)


def no_length(honest: Honest) -> bytes:
    return honest.head(length=None)


def chunked(honest: Honest) -> bytes:
    return honest.head(length=None, more=CHUNKED)


def in_front(fields: bytes) -> Callable[[bytes], bytes]:
    """The honest object with these entries before its own."""
    return lambda honest: honest.replace(b"{", b"{" + fields, 1)


@cache
def bomb(megabytes: int) -> bytes:
    """So many megabytes of zero bytes, packed."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join(packer.compress(bytes(MEGA)) for _ in range(megabytes)) + packer.flush()


@cache
def million_keys() -> bytes:
    return b"".join(b'"%d": 1, ' % each for each in range(1_000_000))


@dataclass(frozen=True)
class _Lazy:
    """A large body that is made when it is sent, and not when the tests are collected."""

    make: Callable[[], bytes]
    more: str = ""

    def __call__(self, connection: socket.socket, honest: Honest) -> None:
        data = self.make()
        connection.sendall(honest.head(length=len(data), more=self.more) + data)


MEGA = 1 << 20
DEEP = 100_000
GZIP, DEFLATE, BR = (f"Content-Encoding: {name}\r\n" for name in ("gzip", "deflate", "br"))


def items(row: bytes, size: int) -> Callable[[], bytes]:
    """A list of equal rows, about so many bytes."""
    return cache(lambda: b'{"token": "x", "items": [' + (row + b",") * (size // (len(row) + 1)) + b"{}]}")


def long_text(end: bytes) -> Act:
    """The honest answer behind a text of 40 MB that has this end."""
    return body(lambda data: in_front(b'"a": "' + b"a" * (40 * MEGA) + end + b'", ')(data))


TRANSPORT: dict[str, Misbehaviour] = {
    # without end
    "endless body without length": Misbehaviour(endless(no_length, PIECE)),
    "endless chunks": Misbehaviour(endless(chunked, chunks([PIECE]))),
    "endless chunks of one byte": Misbehaviour(endless(chunked, chunks([b" "]) * 4096), slow=True),
    "a chunk of -1 bytes": Misbehaviour(endless(lambda each: chunked(each) + b"-1\r\n", PIECE)),
    "a chunk without end": Misbehaviour(endless(lambda each: chunked(each) + b"f" * 15 + b"\r\n", PIECE)),
    "an endless size of a chunk": Misbehaviour(endless(chunked, b"0" * 65536)),
    "endless trailers": Misbehaviour(
        endless(lambda each: chunked(each) + chunks([each.body]) + b"0\r\n", b"a: b\r\n" * 4096),
        EITHER,
        slow=True,
    ),
    "endless headers": Misbehaviour(endless(lambda _: b"HTTP/1.1 200 X\r\n", b"a: b\r\n" * 1024)),
    "an endless header": Misbehaviour(endless(lambda _: b"HTTP/1.1 200 X\r\nA: ", PIECE)),
    "an endless status line": Misbehaviour(endless(lambda _: b"HTTP/1.1 200 ", b"x" * 65536)),
    "a flood of 100 Continue": Misbehaviour(
        endless(lambda _: b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1024), slow=True
    ),
    "a flood of 103 Early Hints": Misbehaviour(
        endless(lambda _: b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1024)
    ),
    # slow
    "silence": Misbehaviour(silent(lambda _: b""), slow=True),
    "silence in the headers": Misbehaviour(silent(lambda _: b"HTTP/1.1 200 OK\r\nConte"), slow=True),
    "silence in the body": Misbehaviour(silent(lambda each: each.head() + each.body[:5]), slow=True),
    "a header, a byte at a time": Misbehaviour(
        trickle(lambda each: b"HTTP/1.1 200 X\r\nA: " + b"a" * 2000), slow=True
    ),
    "a body, a byte at a time": Misbehaviour(
        endless(lambda each: each.head(length=10_000), b" ", TICK), slow=True
    ),
    "a Content-Length of a million million": Misbehaviour(
        silent(lambda each: each.head(length=10**12) + each.body)
    ),
    # cut
    "nothing": Misbehaviour(raw()),
    "half a header": Misbehaviour(raw(b"HTTP/1.1 200 OK\r\nConte")),
    "half a body": Misbehaviour(
        lambda connection, honest: connection.sendall(honest.head() + honest.body[: len(honest.body) // 2])
    ),
    "a reset": Misbehaviour(reset),
    "a cut chunk": Misbehaviour(
        lambda connection, honest: connection.sendall(chunked(honest) + chunks([honest.body])[:-9])
    ),
    "chunks without their end": Misbehaviour(
        lambda connection, honest: connection.sendall(chunked(honest) + chunks([honest.body]))
    ),
    "a chunk below zero": Misbehaviour(
        lambda connection, honest: connection.sendall(
            chunked(honest) + b"-5\r\n" + honest.body + b"\r\n0\r\n\r\n"
        )
    ),
    # no HTTP
    "HTTP/0.9": Misbehaviour(lambda connection, honest: connection.sendall(honest.body)),
    "another protocol": Misbehaviour(raw(b"SSH-2.0-OpenSSH_9.9\r\n")),
    "TLS where none is": Misbehaviour(raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500)),
    "zero bytes": Misbehaviour(raw(b"\0" * 1000)),
    "a status of words": Misbehaviour(raw(b"HTTP/1.1 OK 200\r\n\r\n")),
    "a status below all": Misbehaviour(raw(b"HTTP/1.1 -1 X\r\n\r\n")),
    "a header without a colon": Misbehaviour(headed("no colon here \x1b[31m\r\n"), EITHER),
    "a length that is none": Misbehaviour(
        lambda connection, honest: connection.sendall(
            no_length(honest)[:-2] + "Content-Length: ²\r\n\r\n".encode("latin-1") + honest.body
        ),
        EITHER,
    ),
    "a length of thousands of digits": Misbehaviour(
        lambda connection, honest: connection.sendall(
            no_length(honest)[:-2] + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + honest.body
        )
    ),
    "two lengths": Misbehaviour(headed("Content-Length: 3\r\n"), EITHER),
    "a negative length": Misbehaviour(
        lambda connection, honest: connection.sendall(
            no_length(honest)[:-2] + b"Content-Length: -5\r\n\r\n" + honest.body
        ),
        EITHER,
    ),
    # packed
    "a gzip bomb": Misbehaviour(_Lazy(lambda: bomb(256), GZIP)),
    "a gzip bomb in a gzip bomb": Misbehaviour(_Lazy(lambda: gzip.compress(bomb(256)), GZIP)),
    "a gzip of many empty parts": Misbehaviour(_Lazy(lambda: gzip.compress(b"") * 400_000, GZIP)),
    "a deflate bomb": Misbehaviour(_Lazy(lambda: bomb(256), DEFLATE)),
    "br that was not asked for": Misbehaviour(_Lazy(lambda: b"\x8b\x02\x80x\x03", BR)),
    "gzip that is none": Misbehaviour(headed(GZIP)),
    "gzip that is cut": Misbehaviour(body(lambda data: gzip.compress(data)[:-9], GZIP)),
    "gzip that is right": Misbehaviour(body(gzip.compress, GZIP), FINE),
    "plain that is packed": Misbehaviour(body(gzip.compress)),
    "two packings": Misbehaviour(
        body(lambda data: gzip.compress(gzip.compress(data)), "Content-Encoding: gzip, gzip\r\n")
    ),
    # another status
    **{
        f"status {status}": Misbehaviour(headed(status=status))
        for status in (203, 205, 206, 226, 304, 300, 199, 600, 999)
    },
    "status 204": Misbehaviour(headed(status=204)),
    "status 204 with no body": Misbehaviour(raw(b"HTTP/1.1 204 X\r\n\r\n")),
    "cookies": Misbehaviour(headed("Set-Cookie: a=b; Path=/\r\nSet-Cookie2: c=d\r\n"), FINE),
    "headers of every sort": Misbehaviour(
        headed("ETag: \x1b[31m\x07\xff\r\nRetry-After: 99999999999\r\nX: \x80\xfe\r\nX: y\r\n folded\r\n"),
        FINE,
    ),
}

JSON: dict[str, Misbehaviour] = {
    "an empty body": Misbehaviour(body(lambda _: b"")),
    "blanks": Misbehaviour(body(lambda _: b" \n" * 500)),
    "a page": Misbehaviour(body(lambda _: b"<html><title>\x1b[31m::error::</title>")),
    "lists nested deeply": Misbehaviour(body(lambda _: b"[" * DEEP + b"]" * DEEP)),
    "objects nested deeply": Misbehaviour(body(lambda _: b'{"items":' * DEEP + b"1" + b"}" * DEEP)),
    "a deep value beside the right ones": Misbehaviour(
        body(in_front(b'"a": ' + b"[" * 900 + b"]" * 900 + b", "))
    ),
    "a deep value of many": Misbehaviour(body(in_front(b'"a": ' + b'{"b": [' * 60 + b"]}" * 60 + b", "))),
    "no end of a list": Misbehaviour(body(lambda _: b"[" * 1000)),
    "NaN": Misbehaviour(body(in_front(b'"a": NaN, '))),
    "infinity": Misbehaviour(body(in_front(b'"a": -Infinity, '))),
    "a number beyond floats": Misbehaviour(body(in_front(b'"a": 1e999, '))),
    "a number of 5,000 digits": Misbehaviour(body(in_front(b'"a": ' + b"9" * 5000 + b", "))),
    "a number of 4,000 digits": Misbehaviour(body(in_front(b'"a": ' + b"9" * 4000 + b", ")), FINE),
    "a text of 10 MB": Misbehaviour(body(in_front(b'"a": "' + b"x" * (10 * MEGA) + b'", ')), FINE),
    "a text of 30 MB that is wide": Misbehaviour(
        body(in_front(b'"a": "' + b"x" * (30 * MEGA) + "\U0001f600".encode() + b'", '))
    ),
    "a text of 15 MB that is wide": Misbehaviour(
        body(in_front(b'"a": "' + b"x" * (15 * MEGA) + "\U0001f600".encode() + b'", ')), EITHER
    ),
    "a key of 10 MB": Misbehaviour(body(in_front(b'"' + b"x" * (10 * MEGA) + b'": 1, ')), FINE),
    "a million keys": Misbehaviour(body(lambda data: in_front(million_keys())(data)), EITHER),
    "keys twice": Misbehaviour(body(in_front(b'"items": [], "token": 5, "id": 5, "job": 5, ')), FINE),
    "half a pair": Misbehaviour(body(in_front(b'"a\\ud800": "\\udfff\\ud800x", ')), FINE),
    "a pair behind 40 MB": Misbehaviour(long_text(b"\\ud83d\\ude00"), EITHER),
    "half a pair and a pair behind 40 MB": Misbehaviour(long_text(b"\\ud800\\ud83d\\ude00"), EITHER),
    "a pair and half a pair behind 40 MB": Misbehaviour(long_text(b"\\ud83d\\ude00\\udfff"), EITHER),
    "3 MB of pairs and halves": Misbehaviour(
        body(in_front(b'"a": "' + b"\\ud83d\\ude00\\ude00\\\\ud83d" * (MEGA // 8) + b'", ')), FINE
    ),
    "bytes of half a pair": Misbehaviour(body(in_front(b'"a": "\xed\xa0\x80", '))),
    "a mark in front": Misbehaviour(body(lambda data: b"\xef\xbb\xbf" + data), FINE),
    "UTF-16": Misbehaviour(body(lambda data: data.decode().encode("utf-16"))),
    "UTF-16 without a mark": Misbehaviour(body(lambda data: data.decode().encode("utf-16-le"))),
    "UTF-32": Misbehaviour(body(lambda data: data.decode().encode("utf-32"))),
    "Latin-1": Misbehaviour(body(in_front('"é": 1, '.encode("latin-1")))),
    "NUL inside": Misbehaviour(body(in_front(b'"a": "\0", '))),
    "escaped NUL inside": Misbehaviour(body(in_front(b'"a\\u0000": "\\u0000", ')), FINE),
    "something behind": Misbehaviour(body(lambda data: data + b"{}")),
    "a comment": Misbehaviour(body(in_front(b"/* a */"))),
    "single quotes": Misbehaviour(body(lambda data: data.replace(b'"', b"'"))),
    **{
        f"the value {text!r}": Misbehaviour(body(lambda _, text=text: text.encode()))
        for text in ("null", "true", "0", "-0", '""', "[]", "{}", "[[]]", "[null]", '{"items": {}}')
    },
    "60 MB of empty objects": Misbehaviour(_Lazy(items(b"{}", 60 * MEGA))),
    "10 MB of empty lists": Misbehaviour(_Lazy(items(b"[]", 10 * MEGA))),
    "10 MB of small objects": Misbehaviour(_Lazy(items(b'{"a":0}', 10 * MEGA))),
    "20 MB of numbers": Misbehaviour(_Lazy(items(b"1.5", 20 * MEGA))),
    "a list of 70 MB": Misbehaviour(_Lazy(items(b'"' + b"x" * 1000 + b'"', 70 * MEGA))),
}
"""Answers over sound HTTP."""

ALL = TRANSPORT | JSON


def document(change: Callable[[object], object]) -> Act:
    """The honest JSON after a change."""
    return body(lambda data: json.dumps(change(json.loads(data))).encode())
