"""Manifests: YAML text into plain values that know where each of them was written.

``read`` turns the bytes of one file into documents and diagnostics, ``check`` holds a part of a document
against a pydantic model. Neither raises for what a user wrote, and neither repeats a value that may be a
secret. ruamel.yaml and pydantic are imported when the first text is composed and the first model is checked,
not with this package.
"""

from __future__ import annotations

from icaform.manifest.checking import check, check_value
from icaform.manifest.document import Document, Json
from icaform.manifest.ledger import BYTES, Allowance
from icaform.manifest.reading import read, too_large
from icaform.manifest.secrecy import opener, shown

__all__ = [
    "BYTES",
    "Allowance",
    "Document",
    "Json",
    "check",
    "check_value",
    "opener",
    "read",
    "shown",
    "too_large",
]
