"""Files that are no manifests, or are strange ones, and how they are made in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

Make = Callable[[Path], object]
"""Makes something at a path."""

GOOD = (
    "apiVersion: icaform/v1\nkind: Pipeline\nmetadata: {name: %s}\n"
    "spec: {select: {code: x}, status: Released}\n"
)


def text(content: str) -> Make:
    return lambda path: path.write_text(content, encoding="utf-8")


def data(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def link(target: str) -> Make:
    return lambda path: path.symlink_to(target)


def sparse(size: int) -> Make:
    """A file of so many zero bytes, which takes no room on the disk."""

    def make(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return make


def bound_socket(path: Path) -> None:
    """What a server of this machine leaves; its path is short, whatever the folder's is."""
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES: dict[str, Make] = {
    "a link to /dev/zero": link("/dev/zero"),
    "a link to /dev/random": link("/dev/random"),
    "a link to /dev/stdin": link("/dev/stdin"),
    "a link to the memory of the process": link("/proc/self/mem"),
    "a link to its environment": link("/proc/self/environ"),
    "a link out of the workspace": link("../outside.yaml"),
    "a link to a passwd file": link("/etc/passwd"),
    "a link to itself": link("a.yaml"),
    "a link to nothing": link("nowhere"),
    "a link to a link to itself": lambda path: (link("b.yaml")(path), link("a.yaml")(path.parent / "b.yaml")),
    "a pipe without a writer": os.mkfifo,
    "a socket": bound_socket,
    "1 GB": sparse(1 << 30),
    "1 TB": sparse(1 << 40),
}
"""What is refused because it cannot be read, or is too much."""

BAD_TEXT: dict[str, Make] = {
    "zero bytes": sparse(4096),
    "no text": data(b"\x7fELF\x02\x01\x01\x00" * 99),
    "bytes of no encoding": data(b"a: \xff\xfe\xfa"),
    "UTF-16": data(GOOD.encode("utf-16")),
    "a control character": data(b"a: \x1b[31m::error::\n"),
    "nothing": data(b""),
    "blanks": data(b" \n" * 1000),
    "no YAML": text("a: [\n"),
    "a tab": text("a:\n\tb: 1\n"),
    "an unknown field": text(GOOD % "a" + "extra: 1\n"),
    "a field that is missing": text((GOOD % "a").replace(", status: Released", "")),
    "another type": text((GOOD % "a").replace("Released", "[]")),
    "an unknown kind": text((GOOD % "a").replace("Pipeline", "Pipelines")),
    "a tag": text("a: !!python/object/apply:os.system ['touch /tmp/x']\n"),
    "a resource twice": text(GOOD % "good-1"),
    "an unknown reference": text(
        "apiVersion: icaform/v1\nkind: AnalysisBatch\nmetadata: {name: b}\nspec: {items: [{name: i, "
        "userReference: r, pipeline: {ref: Pipeline/nobody}, analysisInput: {}}]}\n"
    ),
    "a secret in plain text": text(
        "apiVersion: icaform/v1\nkind: StorageCredential\nmetadata: {name: c}\nspec: {type: AWS_USER, "
        "secret: {accessKeyId: AKIAIOSFODNN7EXAMPLE, secretAccessKey: {env: X}}}\n"
    ),
    "a variable without a value": text((GOOD % "a").replace("code: x", "code: '${var.nobody}'")),
    "a second document that is broken": text(GOOD % "a" + "---\na: [\n"),
}
"""What is refused for what it says."""

NAMES = (
    "new\nline", "new\n::error::x", "\x1b[31mred", "::error::x", "##[error]", "ret\rurn", "right\u202eleft",
    "bell\x07", "line\u2028", "\udcff\udcfe", "blank ", "'\"$(id)`id`", "-o", "--yes", "%s%n", "x" * 240,
    "é" * 120, "\u200b",
)  # fmt: skip
"""Stems of files' names; a lone surrogate stands for a byte that is no UTF-8."""
