"""What the protocol costs: ``python tests/bench/protocol.py [--runs N] [--pipelines N] [--items N]``.

An apply plans, writes each call into the journal before and after, looks again at what it saw, and confirms
the result. Beside it the same calls, with the same bodies, are fired bare. Printed are ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import Command, measure
from run import HEAD, Bench, Row, emulator, environment
from workspace import Workspace, seed

from icaform.journal import Begun, open_store

BARE = str(Path(__file__).with_name("bare.py"))
COHORT = """\
apiVersion: icaform/v1
kind: AnalysisBatch
metadata: {name: cohort}
spec:
  project: wgs-prod
  defaults:
    pipeline: {code: nf-core rnaseq 3-14}
    analysisInput: {parameters: [{code: genome, value: GRCh38}]}
  items:
"""


def cohort(folder: Path, count: int) -> Path:
    """A workspace of one batch."""
    folder.mkdir()
    (folder / "icaform.yaml").write_text("workspace: bench\n", encoding="utf-8")
    items = "".join(f"    - {{name: S{n:05d}, userReference: cohort/S{n:05d}}}\n" for n in range(count))
    (folder / "cohort.yaml").write_text(COHORT + items, encoding="utf-8")
    return folder


def begun(folder: Path, file: Path) -> int:
    """Put the calls that an apply has just made into a file, as ``bare.py`` reads them."""
    store = open_store(str(folder / ".icaform" / "journal.sqlite"), "bench", float, read_only=True)
    calls: list[dict[str, Any]] = []
    for entry in store.entries():
        if isinstance(entry, Begun):
            told = json.loads(entry.call)
            media = told["content_type"]
            calls.append(
                {"method": told["method"], "path": told["path"], "media": media, "body": entry.body}
                | {"key": entry.key}
            )
    store.close()
    file.write_text(json.dumps(calls), encoding="utf-8")
    return len(calls)


def compared(bench: Bench, folder: Path, what: str, world: dict[str, Any], steps: int) -> list[Row]:
    """An apply beside its calls fired bare, each from a fresh world and with no journal."""

    def afresh(*more: Callable[[], object]) -> Callable[[], None]:
        def before() -> None:
            bench.server.control("POST", "/reset", world)
            shutil.rmtree(folder / ".icaform", ignore_errors=True)
            for each in more:
                each()

        return before

    calls = folder.with_suffix(".json")
    arguments = ["apply", str(folder), "--yes", "--first-run", "--allow-irreversible", str(steps)]
    applied = bench.first(f"apply of {what}", *arguments)
    applied = Command(
        applied.name, applied.arguments, applied.environ, applied.folder, afresh(applied.before)
    )
    bench.answer(applied)
    count = begun(folder, calls)
    fired = bench.plain(f"its {count:,} calls, bare", BARE, str(calls), bench.server.base_url)
    fired = Command(fired.name, fired.arguments, fired.environ, fired.folder, afresh())
    bare, mine = measure([fired, applied], bench.runs)
    return [Row(fired.name, bare), Row(applied.name, mine, bare)]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Ratios of an apply to its calls fired bare, from one run.")
    parser.add_argument("--runs", type=int, default=3, help="measured rounds of each comparison")
    parser.add_argument("--pipelines", type=int, default=1000)
    parser.add_argument("--items", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="icaform-bench-") as name:
        folder = Path(name).resolve()
        environ = environment(folder)
        with emulator(folder, environ) as server:
            environ |= {"ICAV2_BASE_URL": server.base_url, "ICAV2_X_API_KEY": server.api_key}
            bench = Bench(folder, server, environ, given.runs)
            bench.answer(bench.icaform("whoami", "whoami", cache="token", before=lambda: None))
            print(f"Python {platform.python_version()}; medians of {given.runs} runs\n\n{HEAD}")
            pipelines = Workspace(folder / "pipelines", given.pipelines, True).write().folder
            world = {"seed": seed(given.pipelines)}
            changes = f"{given.pipelines:,} pipeline changes"
            for row in compared(bench, pipelines, changes, world, given.pipelines):
                print(row, flush=True)
            batch = cohort(folder / "cohort", given.items)
            for row in compared(bench, batch, f"a batch of {given.items:,} items", {}, 0):
                print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
