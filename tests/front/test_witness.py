"""libica, a client that others generated from ICA's description, reads every body that icaform sends."""

from __future__ import annotations

import shutil
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.front.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(each.parent for each in (ROOT / "examples").rglob("icaform.yaml"))
MODELS = {
    "/analysisCreationBatch": "create_analysis_creation_batch",
    "/storageCredentials": "create_storage_credential_v{version}",
    ":updateSecrets": "update_storage_credential_secrets",
    ":deprecate": "deprecate_pipeline",
    ":archive": "archive_pipeline",
    "analysis:search": "analysis_query_parameters",
    "pipelines:search": "pipeline_query",
    "analysis:cwlJson": "create_cwl_json_analysis",
    "analysis:cwlWithJsonInput": "create_cwl_with_json_input_analysis",
    "analysis:cwlWithStructuredInput": "create_cwl_with_structured_input_analysis",
    "analysis:nextflowWithCustomInput": "create_nextflow_with_custom_input_analysis",
}
"""libica's model of each body, by how the path ends, and by the version in its media type."""


def model(path: str, media: str) -> Any:
    version = "4" if ".v4+" in media else "3"
    name = next(MODELS[end] for end in MODELS if path.endswith(end)).format(version=version)
    module = import_module(f"libica.openapi.v3.models.{name}")
    return getattr(module, "".join(part.capitalize() for part in name.split("_")))


def fields(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {each for inner in value.values() for each in fields(inner)}
    return {each for inner in value for each in fields(inner)} if isinstance(value, list) else set()


def test_libica_takes_every_body_that_icaform_sends(lab: Lab, sent: list[tuple[str, str, Any]]) -> None:
    for example in EXAMPLES:
        folder = lab.folder / example.name
        shutil.copytree(example, folder, ignore=lambda *_: [".icaform", "run"])
        for change in (None, ("not+a/real", "rotated+not+a/real")):
            if change:
                for secret in folder.rglob("secret-access-key"):
                    secret.write_text(secret.read_text("utf-8").replace(*change), encoding="utf-8")
            where = [str(folder), "--project-id", "wgs-prod"]
            steps = lab.run("plan", *where, "--output", "json").json["counts"]["irreversible"]
            ran = lab.run("apply", *where, "--yes", "--allow-irreversible", str(steps))
            assert ran.code == 0, ran.text
    counts: Counter[str] = Counter()
    for path, media, body in sent:
        read = model(path, media).from_dict(body)
        # A field that the model does not know would be dropped in silence; compare what it writes again.
        assert fields(body) <= fields(read.to_dict()), path
        alone = "/analysis:" in path and not path.endswith(":search")
        version = "4" if alone else "3"
        assert f".v{version}+json" in media or path.endswith("/storageCredentials"), path
        counts[model(path, media).__name__] += 1
    assert len(counts) == len(MODELS) + 1, counts
    print(f"{len(sent)} bodies read by libica: {dict(counts)}")
