"""A command of a manifest is run once all that is checked was found right, and only as it was reviewed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.front.conftest import Lab
from tests.front.test_doubt import PIPELINE, credential, objects

OLD = PIPELINE.format(more="", select="code: DRAGEN Germline 4-2-7", status="Archived")
ALLOWED = ("--allow-commands", "--first-run")


def said(lab: Lab, word: str) -> str:
    """A credential whose secret a program tells, which leaves a trace where it was run."""
    return credential(
        key="{command: [echo, AKIA-lab-0001]}", secret=f"{{command: [sh, -c, 'echo {word} | tee -a ran']}}"
    )


def ran(lab: Lab) -> bool:
    trace = lab.folder / "ran"
    found = trace.exists()
    trace.unlink(missing_ok=True)
    return found


def applied(lab: Lab, *more: str) -> Any:
    return lab.run("apply", str(lab.folder), *more, "--output", "json", *ALLOWED)


def digest(lab: Lab) -> str:
    return str(lab.plan().json["plan_digest"])


def test_no_command_is_run_before_every_check_has_passed(lab: Any) -> None:
    lab.write("c.yaml", said(lab, "first-word"))
    cases = {
        ("--approve", "sha256:" + "0" * 64): 10,
        ("--yes", "--max-writes", "0"): 11,
        ("--yes", "--allow-irreversible", "2"): 11,
    }
    lab.write("p.yaml", OLD)
    for line, code in cases.items():
        assert applied(lab, *line).code == code, line
        assert not ran(lab), line
    lab.write("p.yaml", OLD.replace("Archived", "Nonsense"))
    assert applied(lab, "--yes").code == 65
    assert not ran(lab)
    lab.write("p.yaml", OLD)
    assert applied(lab, "--yes", "--allow-irreversible", "1").code == 0
    assert ran(lab)
    print(f"{len(cases) + 1} checks")


def test_a_plan_is_not_that_of_another_command(lab: Any) -> None:
    lab.write("c.yaml", said(lab, "first-word"))
    assert applied(lab, "--yes").code == 0
    assert ran(lab)
    before = digest(lab)
    saved = str(lab.folder / "saved")
    assert lab.plan("--out", saved).code == 0
    lab.write("c.yaml", said(lab, "evil-word"))
    for line in (("--approve", before), ("--plan", saved)):
        refused = applied(lab, *line)
        assert refused.code == 10
        assert not ran(lab)
    assert "another command gives its secret" in refused.text


def test_a_plan_of_drift_alone_is_not_that_of_a_new_command(lab: Any) -> None:
    drift = ("--only-drifted",)
    lab.write("p.yaml", OLD)
    before = lab.plan(*drift).json["plan_digest"]
    lab.write("c.yaml", said(lab, "evil-word"))
    assert applied(lab, "--approve", before, *drift).code == 10
    assert not ran(lab)


def test_no_plan_is_saved_whose_command_says_the_value_of_a_secret(lab: Any) -> None:
    lab.environ.update(K="AKIA-lab-0001", S="a-secret-of-the-lab")
    lab.write("c.yaml", said(lab, "first-word"))
    assert applied(lab, "--yes").code == 0
    lab.write("c.yaml", said(lab, "a-secret-of-the-lab") + "---" + credential(name="d"))
    saved = lab.folder / "saved"
    assert lab.plan("--out", str(saved)).code == 65
    assert not saved.exists()


def test_what_an_approved_command_gives_anew_is_rotated_and_nothing_else(lab: Any) -> None:
    lab.write("c.yaml", said(lab, "$(cat word)"))
    (lab.folder / "word").write_text("first-word")
    assert applied(lab, "--yes").code == 0
    (before,) = objects(lab, "Credential")
    plan = lab.plan()
    assert plan.json["resource_changes"] == []
    assert "once the plan is agreed to" in str(plan.json)
    assert applied(lab, "--approve", digest(lab)).code == 0
    assert objects(lab, "Credential") == [before]
    (lab.folder / "word").write_text("second-word")
    assert applied(lab, "--approve", digest(lab)).code == 0
    (after,) = objects(lab, "Credential")
    assert after["secret_digest"] != before["secret_digest"]
    (lab.folder / "word").write_text("third-word")
    assert applied(lab, "--approve", digest(lab), "--max-writes", "0").code == 11
    assert objects(lab, "Credential") == [after]


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_what_a_command_gave_anew_is_asked_for(
    lab: Any, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    import click

    lab.write("c.yaml", said(lab, "$(cat word)"))
    (lab.folder / "word").write_text("first-word")
    assert applied(lab, "--yes").code == 0
    (before,) = objects(lab, "Credential")
    assert ran(lab)
    (lab.folder / "word").write_text("second-word")
    asked: list[str] = []

    def confirm(text: str, **_: Any) -> bool:
        asked.append(text)
        return answer == "y"

    monkeypatch.setattr(click, "confirm", confirm)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    from tests.front.conftest import Terminal

    monkeypatch.setattr(Terminal, "tty", True)
    ended = lab.run("apply", str(lab.folder), *ALLOWED)
    # Whether the command may be run, and whether what it gave may be written.
    assert (ended.code, len(asked)) == ((0, 2) if answer == "y" else (1, 1))
    assert ran(lab) == (answer == "y")
    assert (objects(lab, "Credential") == [before]) == (answer == "n")
