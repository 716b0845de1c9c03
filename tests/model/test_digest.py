"""The digest of a plan says what is meant: the same for the same in whatever words, another otherwise."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model import wishes
from tests.model.profiles import searching
from tests.model.reference import ORDER, VERBS
from tests.model.site import Selection, Servers, Site
from tests.model.wishes import PIPELINES, Batch, Credential, Declared, Pipeline, Wish
from tests.model.writing import Writer

EVERYTHING = Selection()
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "StorageCredential": wishes.credentials,
    "Pipeline": wishes.pipelines,
    "AnalysisBatch": wishes.batches,
}
FIXED = {"StorageCredential": ("name",), "Pipeline": ("name", "which"), "AnalysisBatch": ("name",)}
chances = st.integers(0, 2**32).map(Random)


def declared(found: list[Wish]) -> Declared:
    """Wishes that go together: of two for one pipeline the first stays."""
    taken: set[int] = set()
    kept: dict[str, Wish] = {}
    for wish in found:
        if not (isinstance(wish, Pipeline) and wish.which in taken):
            kept.setdefault(wishes.address(wish), wish)
            taken |= {wish.which} if isinstance(wish, Pipeline) else set()
    return kept


sets = st.lists(wishes.wishes, min_size=1, max_size=5).map(declared)


@pytest.fixture(scope="module")
def site(servers: Servers) -> Iterator[Site]:
    """A fresh world that no example changes."""
    made = Site(servers["plain"], "plain")
    yield made
    made.close()


def rewrite(site: Site, meant: Declared, chance: Random) -> None:
    """The workspace, in any words and order that mean it."""
    meant = {key: _jumbled(wish, chance) for key, wish in meant.items()}
    site.write({})
    for old in site.folder.iterdir():
        if old.name in ("sub", "z"):
            shutil.rmtree(old)
        elif old.suffix in (".yaml", ".yml") and old.name != "icaform.yaml":
            old.unlink()
    secrets = {wish.variable: wish.value for wish in meant.values() if isinstance(wish, Credential)}
    for name, value in secrets.items():
        Path(site.folder, "secrets", name).write_text(value, encoding="utf-8")
    site.lab.environ.update(secrets)
    documents = [wishes.document(wish, meant) for wish in meant.values()]
    for name, text in Writer(chance).files(documents).items():
        file = site.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _jumbled(wish: Wish, chance: Random) -> Wish:
    return (
        replace(wish, items=tuple(chance.sample(wish.items, len(wish.items))))
        if isinstance(wish, Batch)
        else wish
    )


def plan(site: Site) -> dict[str, Any]:
    """The plan, without where things were written."""
    ran = site.run("plan", EVERYTHING)
    assert ran.code in (0, 1), ran.text
    document: dict[str, Any] = ran.json
    for row in document["resource_changes"]:
        row["source"] = row["reason"] = None
    return document


def test_order_spacing_style_and_files_do_not_change_the_plan_or_its_digest(site: Site) -> None:
    tried: Counter[str] = Counter()

    @searching(8, 3000)
    @given(sets, chances, chances)
    def same(meant: Declared, one: Random, other: Random) -> None:
        rewrite(site, meant, one)
        first = plan(site)
        rewrite(site, meant, other)
        second = plan(site)
        for each in (first, second):
            each["resource_changes"].sort(key=lambda row: row["address"])
        assert second == first
        tried["rewritten"] += 1

    same()
    print(f"\ndigest: {tried['rewritten']} workspaces written in two ways")


def meaning(meant: Declared) -> Any:
    """All that a plan of a fresh world rests on, in a form that is equal where it is."""
    found: list[Any] = []
    for key, wish in sorted(meant.items()):
        if isinstance(wish, Credential):
            source = "" if wish.role else wish.spec(meant)["secret"]["secretAccessKey"]
            found.append((key, wish.type, wish.shared, wish.ica_name, source))
        elif isinstance(wish, Pipeline):
            status = PIPELINES[wish.which].status
            if status != wish.status or wish.message is not None:
                back = ORDER.index(status) > ORDER.index(wish.status)
                verb = VERBS[wish.status] if status != wish.status else "message"
                found.append((key, wish.which, wish.status, "held" if back else (verb, wish.message)))
        else:
            ran = sorted(wish.items, key=lambda item: item.name)
            together = [item for item in ran if not item.alone]
            chunks = [together[at : at + wish.chunk] for at in range(0, len(together), wish.chunk)]
            chunks += [[item] for item in ran if item.alone]
            said = [[(item.name, wish.said(item, meant)) for item in chunk] for chunk in chunks]
            found.append((key, wish.generation, said))
    return found


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Declared, Declared]:
    """Two workspaces that differ in one wish, or in what does not matter about it."""
    one = draw(sets)
    key = draw(st.sampled_from(sorted(one)))
    wish = one[key]
    other = draw(KINDS[wish.kind])
    other = replace(other, **{name: getattr(wish, name) for name in FIXED[wish.kind]})
    names = [name for name, value in vars(wish).items() if getattr(other, name) != value]
    field = draw(st.sampled_from(names or ["team"]))
    changed = replace(wish, **{field: getattr(other, field)})
    if isinstance(changed, Credential) and "." in changed.name and not changed.called:
        changed = wish
    if isinstance(changed, Pipeline) and changed.status == "Released":
        changed = replace(changed, message=None)
    called = [each.ica_name for each in {**one, key: changed}.values() if isinstance(each, Credential)]
    if len(called) > len(set(called)):
        changed = wish  # one name in ICA for two is an error
    return one, {**one, key: changed}


def test_two_digests_are_equal_exactly_where_the_meaning_is(site: Site) -> None:
    tried: Counter[str] = Counter()

    @searching(20, 4000)
    @given(neighbours(), chances)
    def differ(pair: tuple[Declared, Declared], chance: Random) -> None:
        digests = []
        for meant in pair:
            rewrite(site, meant, chance)
            digests.append(plan(site)["plan_digest"])
        alike = meaning(pair[0]) == meaning(pair[1])
        assert (digests[0] == digests[1]) == alike
        tried["the same" if alike else "another"] += 1

    differ()
    print(f"\ndigest: pairs of neighbours by meaning: {dict(tried)}")
    assert min(tried.values()) >= 3
