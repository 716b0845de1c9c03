"""Files of all sorts among good ones: each is refused, by its name, and then no call is made at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import EVERYTHING, Siege
from tests.hostile.process import icaform
from tests.hostile.site import workspace
from tests.hostile.strange import BAD_TEXT, GOOD, NAMES, NO_FILES, Make, sparse
from tests.hostile.verdict import calm, errors, judged, unsafe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with five good manifests, and a manifest beside it that is nobody's business."""
    (tmp_path / "outside.yaml").write_text(GOOD % "outside" + "CANARY-OUTSIDE: x\n")
    return workspace(tmp_path / "w", {f"good-{number}.yaml": GOOD % f"good-{number}" for number in range(5)})


def removed(path: Path) -> None:
    for each in (path, path.parent / "b.yaml"):
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif os.path.lexists(each):
            each.unlink()


def test_one_bad_file_among_many_means_that_no_call_is_made(siege: Siege, folder: Path) -> None:
    tried = 0
    path = folder / "a.yaml"
    for title, make in chain(NO_FILES.items(), BAD_TEXT.items()):
        make(path)
        for arguments in (("apply", "--yes", "--allow-irreversible", "0"), ("plan",), ("validate",)):
            ended = siege.run(arguments[0], folder, *arguments[1:])
            report = judged(ended, [*siege.secrets, "CANARY-OUTSIDE", "root:x:0:0", "AKIAIOSFODNN7EXAMPLE"])
            assert ended.code == Exit.MANIFEST, title
            assert not siege.impostor.asked, title
            named = [
                each for each in report["diagnostics"] if "a.yaml" in str(each["source"]) + each["summary"]
            ]
            assert named, (title, report["diagnostics"])
            assert ended.seconds < 20, title
            tried += 1
        assert not list(folder.glob(".icaform")), title
        removed(path)
    assert siege.run("validate", folder).code == Exit.DONE, "the good ones are good"
    print(f"{len(NO_FILES)} things that are no file, {len(BAD_TEXT)} bad ones; {tried} runs, not one call")


def test_a_bad_icaform_yaml_means_that_no_call_is_made(siege: Siege, folder: Path) -> None:
    path = folder / "icaform.yaml"
    more: dict[str, Make] = {
        "a folder": Path.mkdir,
        "a bomb": lambda path: path.write_text("a0: &a0 [x]\n" + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
        )),
        "a journal with NUL": lambda path: path.write_text('journal: "a\\0b"\n'),
        "a journal in a loop": lambda path: (
            path.write_text("journal: loop/x\n"), (folder / "loop").symlink_to("loop")
        ),
    }  # fmt: skip
    left_out = ("nothing", "blanks", "a resource twice")  # each of these is a setting, or no file of its own
    cases = NO_FILES | BAD_TEXT | more
    for title, make in cases.items():
        if title in left_out:
            continue
        path.unlink()
        make(path)
        ended = siege.run("plan", folder)
        report = judged(ended, [*siege.secrets, "CANARY-OUTSIDE", "root:x:0:0", "AKIAIOSFODNN7EXAMPLE"])
        assert ended.code == Exit.SETTING, (title, ended.text)
        assert errors(report), title
        assert not siege.impostor.asked, title
        removed(path)
        path.touch()
    print(f"{len(cases) - len(left_out)} settings, not one call")


def test_a_name_of_any_characters_is_shown_in_safe_ones(siege: Siege, tmp_path: Path) -> None:
    tried = 0
    for number, stem in enumerate(NAMES):
        good = workspace(tmp_path / f"good-{number}", {f"{stem}.yaml": GOOD % "a"})
        assert judged(siege.run("validate", good))["counts"]["resources"] == 1, repr(stem)
        bad = workspace(tmp_path / f"bad-{number}", {f"{stem}.yaml": "a: [\n", f"{stem} 2.yaml": "a: 1\n"})
        (bad / f"{stem} 3.yaml").symlink_to("nowhere")
        inner = bad / stem / "deep"
        inner.mkdir(parents=True)
        (inner / f"{stem}.yaml").write_text("a: !x\n")
        for form in ("json", "text"):
            ended = siege.run("validate", bad, "-o", form)
            calm(ended)
            assert ended.code == Exit.MANIFEST, repr(stem)
            tried += 1
        for option in (("--var-file", str(bad / f"{stem}.yaml")), ("--report", f"json={bad / stem}/no/x")):
            calm(siege.run("validate", good, *option))
            calm(siege.run("plan", good, "--journal", str(bad / stem)))
            tried += 2
    print(f"{len(NAMES)} names, {tried} runs")


PATHS = ("/dev/zero", "/dev/random", "/dev/null", "/dev/tty", "/proc/self/mem", "/proc/self/fd/0", "",
         "\x1b[31m", "x" * 300 + ".yaml", "x" * 5000, "../" * 2000, "no\udcfftext", "a\nb", "::error::x",
         "https://x/a.yaml")  # fmt: skip


def test_a_path_that_is_no_file_is_refused_by_its_name(siege: Siege, folder: Path) -> None:
    for path in PATHS:
        for verb in ("validate", "plan"):
            for form in ("json", "text"):
                ended = siege.cell.run(verb, path, "-o", form, environ=siege.environ)
                calm(ended, siege.secrets)
                assert ended.code in (Exit.MANIFEST, Exit.SETTING), repr(path)
    print(f"{len(PATHS)} paths")


def test_deep_folders_and_folders_named_like_files_are_walked(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {"x.yaml/y.yaml/z.yaml": GOOD % "z"})
    for depth, code in ((1_500, Exit.DONE), (3_000, Exit.MANIFEST)):
        handle = os.open(folder / "x.yaml", os.O_RDONLY)
        try:
            for _ in range(depth):
                with contextlib.suppress(FileExistsError):
                    os.mkdir("d", dir_fd=handle)
                below = os.open("d", os.O_RDONLY, dir_fd=handle)
                os.close(handle)
                handle = below
            ended = siege.run("validate", folder)
            report = judged(ended)
            assert ended.code == code, depth
            # Beyond the system's longest path nothing can be read, which is not passed over.
            assert errors(report) == (["unreadable-file"] if code else []), depth
        finally:
            os.close(handle)
    # Python's own way of removing a tree goes no deeper than its recursion does.
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_very_many_small_files_end_in_a_plan_or_in_a_limit(siege: Siege, tmp_path: Path) -> None:
    count, more = (3_000, 100_000) if EVERYTHING else (300, 3_000)
    folder = workspace(tmp_path / "w", {})
    for number in range(count):
        (folder / f"{number}.yaml").write_text(GOOD % f"p{number}")
    ended = siege.run("validate", folder)
    assert (ended.code, judged(ended)["counts"]["resources"]) == (Exit.DONE, count)
    for number in range(count, more):
        (folder / f"{number}.yaml").write_text("a: no\n" if not EVERYTHING else GOOD % f"p{number}")
    ended = siege.run("validate", folder)
    report = judged(ended)
    assert ended.code == Exit.MANIFEST
    assert errors(report)[-1] == "too-large"
    print(f"{more:,} files in {ended.seconds:.1f} s and {ended.peak:.0f} MB")


def test_what_grows_or_goes_while_it_is_read_ends_in_a_reason(siege: Siege, tmp_path: Path) -> None:
    # A file of /proc has no size until it is read, which is what a file is that grows; a link that leads to
    # nothing is what is left of one that went.
    if os.path.exists("/proc/kallsyms"):
        ended = siege.cell.run("validate", "/proc/kallsyms", "-o", "json", environ={})
        judged(ended)
        assert ended.code == Exit.MANIFEST
    folder = workspace(tmp_path / "w", {"a.yaml": GOOD % "a"})
    (folder / "b.yaml").symlink_to("/proc/self/fd/999")
    ended = siege.run("validate", folder)
    assert (ended.code, errors(judged(ended))) == (Exit.MANIFEST, ["unreadable-file"])


def test_input_without_end_ends_in_a_limit(tmp_path: Path) -> None:
    for device in ("/dev/zero", "/dev/urandom"):
        with open(device, "rb") as stream:
            ended = icaform("validate", "-", "-o", "json", environ={}, folder=tmp_path, stdin=stream)
        report = judged(ended)
        assert (ended.code, errors(report)) == (Exit.MANIFEST, ["too-large"]), device
        ended = icaform("validate", "-", "--var-file", device, "-o", "json", environ={}, folder=tmp_path)
        calm(ended)
        assert ended.code in (Exit.MANIFEST, Exit.USAGE), device


def test_names_that_are_no_text_come_through_the_command_line_as_well(tmp_path: Path) -> None:
    name = b"\xff\xfe\x1b[31m.yaml"
    folder = workspace(tmp_path / "w", {})
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:
        file.write(b"a: [\n")
    ended = icaform("validate", name, environ={}, folder=folder)
    calm(ended)
    assert ended.code == Exit.MANIFEST
    assert not unsafe(ended.text)


def test_a_giant_that_is_named_costs_no_time(siege: Siege, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", {})
    for number in range(50):
        sparse(1 << 33)(folder / f"{number}.yaml")
    ended = siege.run("validate", folder)
    assert errors(judged(ended)) == ["too-large"] * 50
    assert ended.seconds < 10
