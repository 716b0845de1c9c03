"""A secret that stands where the name of its variable belongs: refused, and not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.conftest import Siege
from tests.hostile.site import HEAD, workspace

WORDS = ("Hunter2-Tr0ub4dor&3", "correct horse battery", "p@ss", "0dd", "a/b+c=", "$HOME", "x\\u0000y")


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_what_cannot_name_a_variable_is_taken_for_a_secret(siege: Siege, tmp_path: Path, verb: str) -> None:
    head = HEAD.format(kind="StorageCredential", name="lab")
    for number, word in enumerate(WORDS):
        source = f'{{accessKeyId: {{env: "{word}"}}, secretAccessKey: {{env: LAB_SECRET}}}}'
        folder = workspace(
            tmp_path / str(number), {"a.yaml": f"{head}{{type: AWS_USER, secret: {source}}}\n"}
        )
        ended = siege.run(verb, folder)
        assert ended.code == 65, (word, ended.text)
        assert [each["code"] for each in ended.json["diagnostics"]] == ["inline-secret"], ended.text
        assert word not in ended.text
    print(f"{len(WORDS)} words refused unseen")
