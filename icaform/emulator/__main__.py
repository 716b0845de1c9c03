"""`python -m icaform.emulator`: one JSON line when it is ready, then it serves until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from .demo import API_KEY
from .server import listen, open_emulator, serve, urls
from .settings import CLOCKS, GENERATIONS, Settings


def main(arguments: list[str] | None = None) -> int:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m icaform.emulator", description="A small ICA.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="SQLite file; without it the state ends with the process")
    parser.add_argument("--seed", type=Path, help="JSON document for a fresh state, on top of the demo world")
    parser.add_argument("--api", choices=GENERATIONS, default=defaults.api, help="generation of the API")
    parser.add_argument("--clock", choices=CLOCKS, default=defaults.clock)
    parser.add_argument("--clock-start", type=float, help="seconds since 1970 at which a manual clock begins")
    parser.add_argument("--token-lifetime", type=int, default=defaults.token_lifetime, help="seconds")
    parser.add_argument("--read-lag", type=float, default=defaults.read_lag, help="seconds")
    given = parser.parse_args(arguments)
    try:
        settings = Settings(
            api=given.api,
            clock=given.clock,
            clock_start=given.clock_start,
            token_lifetime=given.token_lifetime,
            read_lag=given.read_lag,
        )
        document = json.loads(given.seed.read_text("utf-8")) if given.seed else None
        listener = listen(given.host, given.port)
        emulator = open_emulator(given.state, settings, document)
    except (OSError, ValueError) as wrong:
        parser.error(str(wrong))
    base_url, control_url = urls(listener)

    def ready() -> None:
        line = {"base_url": base_url, "control_url": control_url, "api_key": API_KEY}
        print(json.dumps(line), flush=True)

    with contextlib.suppress(KeyboardInterrupt):
        serve(emulator, listener, ready).run(sockets=[listener])
    emulator.world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
