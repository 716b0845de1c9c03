"""The connection below a request, so that a fault can break it without an answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.auto import AutoHTTPProtocol

Ends = tuple[Any, Any]
_open: dict[Ends, asyncio.Transport] = {}


class Line(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol, which also remembers the transport of each open connection by its two ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.ends = (transport.get_extra_info("sockname")[:2], transport.get_extra_info("peername")[:2])
        _open[self.ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _open.pop(self.ends, None)
        super().connection_lost(exc)


def connections() -> int:
    """How many connections are open."""
    return len(_open)


async def hang_up(request: Request) -> Response:
    """Break the connection; the response that goes with it reaches nobody."""
    transport = _open.get(_ends(request))
    if transport is not None:
        transport.abort()
        await _gone(request)
    return Response(status_code=500)


async def cut(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, *, reset: bool
) -> Response:
    """Send half of an answer, half of its head if it has no body, and end with a reset or in good order."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    length = {"Content-Length": str(len(body))} if body else {}
    lines += [f"{name}: {value}" for name, value in {**headers, **length}.items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    sent = head + body[: len(body) // 2] if body else head[: len(head) // 2]
    transport = _open.get(_ends(request))
    if transport is not None:
        transport.write(sent)
        if reset:
            # Lingering for no time at all is how a socket is made to say RST instead of FIN.
            link = transport.get_extra_info("socket")
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
        await _gone(request)
    return Response(status_code=500)


def _ends(request: Request) -> Ends:
    return (tuple(request.scope["server"]), tuple(request.scope["client"]))


async def _gone(request: Request) -> None:
    while _ends(request) in _open:
        await asyncio.sleep(0)
