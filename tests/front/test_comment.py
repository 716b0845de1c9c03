"""The comment and the page of a pull request, as the command line writes them."""

from __future__ import annotations

import re
import shlex
from typing import Any

from tests.front import everything
from tests.front.everything import SECRET, cohort


def commented(lab: Any, *more: str) -> list[str]:
    """The lines of the comment that a plan writes beside its page."""
    ran = lab.run("plan", str(lab.folder), "-o", "markdown", *more)
    return str(ran.out).split("\n")


def test_what_a_comment_offers_is_what_an_apply_runs(lab: Any) -> None:
    everything.write(lab)
    page = lab.folder / "plan.html"
    lines = commented(lab, "--report", f"html={page}")
    assert lines[0] == "<!-- icaform plan lab -->"
    assert lines[1].startswith("### Plan of `lab`: 7 to create")
    (offer,) = [line for line in lines if line.startswith("icaform apply --approve ")]
    assert offer in page.read_text(encoding="utf-8").replace("&#x27;", "'")
    ran = lab.run(*shlex.split(offer)[1:], "-o", "markdown")
    assert ran.code == 0, ran.text
    assert ran.out.split("\n")[1].startswith("### Apply of `lab`: 10 done")
    assert commented(lab)[1].startswith("**Plan of `lab`: Nothing to do; ")
    assert SECRET not in "\n".join(lines) + page.read_text(encoding="utf-8")


def test_a_plan_that_cannot_be_made_takes_the_place_of_one_that_could(lab: Any) -> None:
    lab.write("icaform.yaml", "workspace: wgs-prod\nproject: wgs-prod\n")
    lab.write("cohort.yaml", cohort(2))
    good = commented(lab)
    assert "--approve" in "\n".join(good)
    lab.write("cohort.yaml", cohort(2) + "   bad: [\n")
    bad = commented(lab)
    assert bad[0] == good[0] == "<!-- icaform plan wgs-prod -->"
    assert bad[1] == "### Plan of `wgs-prod`: 1 error"
    assert "--approve" not in "\n".join(bad)


def test_a_large_plan_keeps_to_the_limit_and_tells_where_the_rest_is(lab: Any) -> None:
    batches = [cohort(1, name=f"cohort-{number}-{'x' * 60}") for number in range(300)]
    lab.write("all.yaml", "---\n".join(batches))
    for limit in (16_000, 32_000):
        file = lab.folder / "plan.html"
        ran = lab.run(
            *("plan", str(lab.folder), "-o", "markdown", "--limit", str(limit), "--report", f"html={file}")
        )
        assert len(ran.out.encode()) <= limit
        left = re.search(r"^([\d,]+) are left out here. All of it is in `.*plan.html`", ran.out, re.MULTILINE)
        assert left, ran.out[-600:]
        shown = len(re.findall(r"^- \*\*`AnalysisBatch/cohort-\d+-x", ran.out, re.MULTILINE))
        assert shown + int(left[1]) == 300
        assert file.read_text(encoding="utf-8").count('class="group row"') == 300
    assert lab.run("plan", str(lab.folder), "--limit", "15999").code == 64
