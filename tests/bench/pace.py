"""The pace under a limit, in real time: ``python tests/bench/pace.py [--rate 10] [--writes 1000] ...``.

It starts an emulated ICA that takes so many calls a second, deprecates so many pipelines with the real
command, and compares its time and its refused calls with the best that the limit allows. It exits with 1
where the time is more than a tenth above that, or two calls in a hundred were refused.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from run import PYTHON, ROOT, emulator
from workspace import Workspace, seed


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Time and refused calls of an apply under a limit.")
    parser.add_argument("--rate", type=float, default=10, help="calls a second")
    parser.add_argument("--writes", type=int, default=1000, help="pipelines to deprecate")
    parser.add_argument("--burst", type=float, default=10, help="calls at once")
    parser.add_argument("--window", type=float, default=0, help="seconds of fixed windows, instead of bursts")
    parser.add_argument("--retry-after", choices=("none", "seconds", "date"), default="seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="icaform-pace-") as name:
        folder = Path(name).resolve()
        with emulator(folder, os.environ) as server:
            server.control("POST", "/seed", seed(given.writes))
            Workspace(folder / "changed", given.writes, True).write()
            limit = {each: getattr(given, each) for each in ("rate", "burst", "window", "retry_after")}
            server.control("PUT", "/settings", limit)
            environ = {
                **os.environ,
                "ICAV2_BASE_URL": server.base_url,
                "ICAV2_X_API_KEY": server.api_key,
                "ICAFORM_CACHE_DIR": "",
                "ICAFORM_STATE_DIR": str(folder / "state"),
            }
            steps = ["--yes", "--first-run", "--allow-irreversible", str(given.writes)]
            began = time.monotonic()
            ended = subprocess.run(
                [PYTHON, "-m", "icaform", "apply", *steps, str(folder / "changed")],
                cwd=ROOT,
                env=environ,
                stdout=subprocess.DEVNULL,
                check=False,
            )
            took = time.monotonic() - began
            log = [each["status"] for each in server.control("GET", "/requests")["items"]]
    refused = log.count(429)
    ratio, share = took * given.rate / len(log), refused / len(log)
    alone = took * given.rate / given.writes
    print(
        f"{len(log):,} calls in {took:.1f} s: {ratio:.3f} of the ideal time of all of them, "
        f"{alone:.3f} of that of the writes alone; {share:.2%} ({refused}) refused"
    )
    return int(ended.returncode != 0 or ratio > 1.1 or share >= 0.02)


if __name__ == "__main__":
    sys.exit(main())
