"""A small ICA of our own: one process, real sockets, loopback only, for trials and tests.

It takes its truth from ICA's published contract and imports nothing else of icaform. What it does not
imitate, and what it assumes where ICA is silent, stands at the top of this package's README.md. Importing
this package loads no web framework; `Embedded` does so when it is first named.

    with Embedded(settings=Settings(clock="manual")) as ica:
        requests.get(f"{ica.base_url}/api/projects", headers={"X-API-Key": ica.api_key, "Accept": ...})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import Settings

if TYPE_CHECKING:
    from .server import Embedded

__all__ = ["Embedded", "Settings"]


def __getattr__(name: str) -> Any:
    if name == "Embedded":
        from .server import Embedded

        return Embedded
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
