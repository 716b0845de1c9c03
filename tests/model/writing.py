"""One value, many texts: YAML in any style, spacing, order of keys and split into files, meaning the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from random import Random

from tests.model.wishes import Document, Json

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_NOT_TEXT = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_ESCAPED = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\", "\x1b": "\\e", "\0": "\\0"}
_COMMENTS = ("", "", "  # a comment", " #: {not: yaml]", "   # 漢字")


class Writer:
    """Writes documents. Every choice that YAML leaves is made by ``chance``."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def files(self, documents: Iterable[Document]) -> dict[str, str]:
        """The documents in any order, over any number of files."""
        left = list(documents)
        self.chance.shuffle(left)
        files: dict[str, str] = {}
        while left:
            count = self.chance.randint(1, len(left))
            folder = self.chance.choice(["", "sub/", "z/deeper/"])
            files[f"{folder}{len(files)}.{self.chance.choice(['yaml', 'yml'])}"] = self.stream(left[:count])
            left = left[count:]
        return files

    def stream(self, documents: Sequence[Document]) -> str:
        """One file."""
        text = self.chance.choice(["", "---\n", "# first line\n---\n", "%YAML 1.2\n---\n", "\n\n"])
        for number, each in enumerate(documents):
            text += self.chance.choice(["---\n", "--- # next\n", "\n# next\n---\n"]) if number else ""
            text += f"{self.flow(each)}\n" if self.chance.random() < 0.2 else self.block(each, 0)
        return text + self.chance.choice(["", "...\n", "# the end", "\n\n"])

    def block(self, value: Json, indent: int) -> str:
        """A value in block style that begins on a line of its own."""
        text = ""
        for head, inner in self.entries(value):
            text += self.chance.choice(["", "", "", "\n", " " * indent + "# a line\n"])
            text += " " * indent + head + self.below(inner, indent, head == "-")
        return text

    def below(self, value: Json, indent: int, dashed: bool) -> str:
        """What follows a key or a dash, to the end of its last line."""
        if isinstance(value, dict | list) and value and self.chance.random() < 0.7:
            if dashed and self.chance.random() < 0.7:
                text = self.block(value, indent + 2)
                if text.startswith(" " * (indent + 2)) and text.lstrip()[0] != "#":
                    return f" {text.lstrip()}"
            return f"{self.comment()}\n" + self.block(value, indent + self.chance.randint(1, 4))
        if isinstance(value, str) and "\n" in value and _literal(value) and self.chance.random() < 0.5:
            pad = " " * (indent + 2)
            return " |-\n" + "".join(f"{pad}{line}\n" for line in value.split("\n"))
        return f"{' ' * self.chance.randint(1, 3)}{self.flow(value, indent + 1)}{self.comment()}\n"

    def entries(self, value: Json) -> list[tuple[str, Json]]:
        if isinstance(value, list):
            return [("-", each) for each in value]
        return [
            (f"{self.scalar(key)}{self.chance.choice(['', ' '])}:", inner)
            for key, inner in self.shuffled(value)
        ]

    def shuffled(self, value: Document) -> list[tuple[str, Json]]:
        pairs = list(value.items())
        self.chance.shuffle(pairs)
        return pairs

    def flow(self, value: Json, indent: int = 1) -> str:
        """A value in flow style, over one line or several."""
        gap = self.chance.choice([lambda: "", lambda: " ", lambda: f"{self.comment()}\n{' ' * (indent + 1)}"])
        if isinstance(value, dict):
            inner = [f"{self.scalar(key)}: {self.flow(each, indent)}" for key, each in self.shuffled(value)]
            return self.enclosed("{", inner, "}", gap)
        if isinstance(value, list):
            return self.enclosed("[", [self.flow(each, indent) for each in value], "]", gap)
        return self.scalar(value)

    def enclosed(self, first: str, inner: Sequence[str], last: str, gap: Callable[[], str]) -> str:
        comma = self.chance.choice([", ", ",  "])
        trailing = self.chance.choice(["", ","]) if inner else ""
        text = comma.join(f"{gap()}{each}" for each in inner)
        return f"{first}{text}{trailing}{gap()}{last}"

    def scalar(self, value: Json) -> str:
        """A number or a truth as it is; a text quoted in any way that it bears."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            return str(value)
        ways: list[Callable[[str], str]] = [_double]
        if value.isprintable():
            ways.append(_single)
        if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
            ways.append(str)
        return self.chance.choice(ways)(value)

    def comment(self) -> str:
        return self.chance.choice(_COMMENTS)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"


def _literal(text: str) -> bool:
    """Whether a literal block says it: every line printable and none that begins or ends the text oddly."""
    lines = text.split("\n")
    return all(line.isprintable() and line and not line.startswith(" ") for line in lines)
