"""Decision tables: what the pure core decides for every combination of a few inputs, kept as text.

A table is read like a specification and changed on purpose: ICAFORM_UPDATE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TABLES = Path(__file__).with_name("tables")


def same(name: str, rows: Iterable[tuple[object, object]]) -> None:
    """Compare rows of (inputs, decision) with the table of that name."""
    lines = [f"{given} => {decided}" for given, decided in rows]
    text = "".join(line.replace("\n", " | ") + "\n" for line in lines)
    file = TABLES / f"{name}.txt"
    if os.environ.get("ICAFORM_UPDATE_GOLDEN") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} decisions")
    known = file.read_text(encoding="utf-8").splitlines()
    for number, (now, before) in enumerate(zip(text.splitlines(), known, strict=False), 1):
        assert now == before, f"{file.name}:{number}"
    assert len(lines) == len(known)
