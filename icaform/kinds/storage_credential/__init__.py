"""StorageCredential: keys, or a role, that let ICA read a lab's own buckets.

ICA can create, share and give new secrets to a credential; it has no call to delete, rename or unshare one
(ICA's OpenAPI description, tag Storage Credentials). Neither the secret nor whether it is shared can be read
back, so both are remembered in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence

from icaform.diagnostic import Code, Diagnostic
from icaform.kind import Kind, Manifest, simple
from icaform.kinds.storage_credential.change import compare, operate, proves, recall
from icaform.kinds.storage_credential.observe import observe
from icaform.kinds.storage_credential.portrait import portraits
from icaform.kinds.storage_credential.spec import NAME, StorageCredentialSpec
from icaform.portrait import Export
from icaform.state import Desired


def desire(manifest: Manifest) -> tuple[Sequence[Desired], Sequence[Diagnostic]]:
    """One manifest, one credential."""
    spec = manifest.spec
    assert isinstance(spec, StorageCredentialSpec)
    secrets = (spec.secret.accessKeyId.leaf, spec.secret.secretAccessKey.leaf) if spec.secret else ()
    desired = simple(manifest, NAME, secrets=secrets)
    name = spec.name or manifest.name
    if len(name) > 150 or not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        return (), (
            Diagnostic(
                Code.BAD_VALUE,
                f"{name!r} cannot be the name of a storage credential in ICA",
                "use at most 150 of A-Z a-z 0-9 _ - or set spec.name",
                origin=manifest.document.origin(("metadata", "name")),
            ),
        )
    return (desired,), ()


KIND = Kind(
    NAME,
    StorageCredentialSpec,
    "keys or a role that let ICA read your own buckets",
    desire,
    observe,
    compare,
    operate,
    recall,
    proves,
    ignorable=("type", "shared", "secret"),
    export=Export(
        portraits,
        portraits,
        frozenset(("items", "id", "name", "type", "owner", "ownerId", "timeCreated", "timeModified")),
        private=frozenset({"secret"}),
    ),
)

__all__ = ["KIND"]
