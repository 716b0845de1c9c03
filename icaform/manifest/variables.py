"""``${var.name}`` in the text of a value, replaced by what the caller was given for it.

``$${var.name}`` stands for the text ``${var.name}``. Other uses of ``${`` belong to someone else (Nextflow, a
shell) and are left alone. What is put in is text and is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from icaform.diagnostic import did_you_mean

_USE = re.compile(r"(\$?)\$\{\s*var\b([^${}\n]*)(\}?)")
_NAME = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)")
_BEGUN = re.compile(r"\$\{\s*var\b")
_LONGEST_GUESSED = 80


def substitute(
    text: str,
    variables: Mapping[str, str],
    reject: Callable[[str, str, str], None],
    count: Callable[[int], None],
) -> str:
    """The text with its variables put in; ``count`` is told of the characters before each is.

    A use that has no value or is not well formed stays as it is, and ``reject`` is called with the name
    (empty if there is none), a summary that does not repeat it, and a remedy.
    """

    def put(use: re.Match[str]) -> str:
        escape, rest, closed = use.groups()
        if escape:
            return use[0][1:]
        name = _NAME.fullmatch(rest)
        if not name or not closed or not use[0].startswith("${var"):
            reject(
                "",
                "a variable is not well formed",
                "write ${var.name}, or $${var.name} for these very characters",
            )
            return use[0]
        if name[1] in variables:
            count(len(variables[name[1]]))
            return variables[name[1]]
        near = did_you_mean(name[1], variables) if len(name[1]) <= _LONGEST_GUESSED else ""
        reject(name[1], "a variable has no value", near or "give it by --var, --var-file or ICAFORM_VAR_name")
        return use[0]

    return _USE.sub(put, text)


def literal(text: str) -> str:
    """The text as it is written where it shall mean itself: ``substitute`` gives it back."""
    return _BEGUN.sub(lambda begun: f"${begun[0]}", text)
