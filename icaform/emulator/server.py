"""The emulator on a real socket: in a thread of this process (`Embedded`), or as the process itself
(`serve`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import uvicorn

from .application import BASE, Emulator
from .clock import Clock
from .control import start
from .demo import API_KEY
from .line import Line
from .record import Json
from .settings import Settings
from .token import signing_key
from .world import World

Ready = Callable[[], None]


class _Server(uvicorn.Server):
    """uvicorn, telling the moment from which it answers."""

    def __init__(self, config: uvicorn.Config, ready: Ready) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def open_emulator(state: Path | None, settings: Settings, seed: Json | None = None) -> Emulator:
    """The world of a state file with its clock; a fresh one gets the demo world and then `seed`."""
    world = World(state)
    # A manual clock goes on where it stood; after a life with the real one it stands where that one is.
    same = world.fact("clock") == settings.clock
    start_at, offset = world.fact("clock_start") if same else settings.clock_start, world.fact("clock_offset")
    clock = Clock(settings.clock == "manual", start_at, offset or 0.0)
    if not same:
        world.set_fact("clock", settings.clock)
        world.set_fact("clock_start", clock.now() - clock.offset)
    signing_key(world)
    if world.fresh:
        start(world, seed, clock.now())
    world.commit()
    return Emulator(world, clock, settings)


def listen(host: str, port: int) -> socket.socket:
    """A socket on loopback; anything else is refused, for the control door asks nobody who he is."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the emulator listens on loopback only, not on {host}")
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it every answer waits 40 ms.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    return listener


def serve(emulator: Emulator, listener: socket.socket, ready: Ready) -> _Server:
    """The server, to be `run`; faults may leave requests hanging, so shutting down does not wait for them."""
    config = uvicorn.Config(
        emulator.application(),
        http=Line,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=0,
    )
    return _Server(config, ready)


class Embedded:
    """An emulator for the length of a `with`; `state` None keeps it in memory only."""

    def __init__(
        self,
        state: Path | None = None,
        settings: Settings | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: Json | None = None,
    ) -> None:
        self.api_key = API_KEY
        self.base_url = self.control_url = ""
        self._opening = (state, settings or Settings(), seed)
        self._where = (host, port)

    def __enter__(self) -> Embedded:
        self._listener = listen(*self._where)
        self._emulator = open_emulator(*self._opening)
        self.base_url, self.control_url = urls(self._listener)
        ready = threading.Event()
        self._server = serve(self._emulator, self._listener, ready.set)
        self._thread = threading.Thread(target=self._run, args=(ready,), name="ica-emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if not self._thread.is_alive():
            raise RuntimeError("the emulator did not start")
        return self

    def _run(self, ready: threading.Event) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            ready.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._emulator.world.close()
        with contextlib.suppress(OSError):
            self._listener.close()


def urls(listener: socket.socket) -> tuple[str, str]:
    """The base URL of the API and that of the control door."""
    host, port = listener.getsockname()[:2]
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return origin + BASE, origin + "/_emulator"
