"""The connection below a request, so that a fault can break it without an answer."""

from __future__ import annotations

import asyncio
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


async def hang_up(request: Request) -> Response:
    """Break the connection; the response that goes with it reaches nobody."""
    transport = _open.get((tuple(request.scope["server"]), tuple(request.scope["client"])))
    if transport is not None:
        transport.abort()
        while (tuple(request.scope["server"]), tuple(request.scope["client"])) in _open:
            await asyncio.sleep(0)
    return Response(status_code=500)
