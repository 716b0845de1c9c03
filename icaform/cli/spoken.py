"""Which verb speaks which dialect. A test holds it against what is in ``icaform/render/``."""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = ("text", "json")
"""What every verb with a result speaks."""
_REPORTS = (*PLAIN, "ndjson", "markdown", "html", "junit", "github")
_CODE = ("sarif", "gitlab")
"""They state how the manifests are, so they are of no use for what an apply has done."""

SPOKEN: Mapping[str, tuple[str, ...]] = {
    "validate": (*_REPORTS, *_CODE),
    "plan": (*_REPORTS, *_CODE, "gitlab-terraform"),
    "apply": _REPORTS,
    "drift": (*_REPORTS, *_CODE, "prometheus"),
    "status": (*PLAIN, "markdown"),
}
"""For a verb that is not in here, PLAIN."""


def spoken(verb: str) -> tuple[str, ...]:
    """The dialects of a verb."""
    return SPOKEN.get(verb, PLAIN)
