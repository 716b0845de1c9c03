"""What must hold after every apply, and after one that says that it is done; read from the server alone."""

from __future__ import annotations

from collections.abc import Iterator

from tests.front.conftest import Ran
from tests.model.reference import Need, Reference, Resource
from tests.model.site import Site, digest
from tests.model.truth import Sent, Truth
from tests.model.wishes import Batch, Credential, Pipeline, Wish


def holds_always(site: Site, ica: Reference, chosen: list[Resource], before: Truth, after: Truth) -> None:
    """No attempt is there twice or was one too many; nothing was touched or made but what was chosen."""
    twice = [key for key, count in after.attempts().items() if count > 1]
    site.must(not twice, f"started twice: {twice}")
    for sent in after.sent:
        if sent not in before.sent:
            wishes = [each.wish for each in (*chosen, *ica.owed) if each.address == sent.address]
            site.must(wishes, f"{sent} was sent and was not chosen")
            for wrong in _one_too_many(wishes, sent, after):
                site.must(False, wrong)
    known = {each.analysis for each in after.sent}
    ours = _ours(site, chosen, after)
    then, now = before.things(), after.things()
    for key in then:
        same = key in ours or now.get(key) == then[key]
        site.must(same, f"{key} was not chosen and changed from {then[key]} to {now.get(key)}")
    for key in now.keys() - then.keys():
        kind, _, identity = key.partition(" ")
        wanted = key in ours or kind == "Batch" or (kind == "Analysis" and identity in known)
        site.must(wanted, f"{key} was not chosen and was made: {now[key]}")


def _one_too_many(wishes: list[Wish], sent: Sent, truth: Truth) -> Iterator[str]:
    """An attempt is made only within their number, and after such ends of those before as are tried again."""
    batches = [each for each in wishes if isinstance(each, Batch)]
    if sent.attempt > max(each.attempts for each in batches):
        yield f"{sent} is one attempt too many"
    for each in truth.started(sent.address, sent.generation):
        if each.attempt < sent.attempt:
            status = truth.status(each, sent.created)
            if not any(status in batch.again for batch in batches):
                yield f"{sent} was sent while {each} was {status or 'not there yet'}"


def _ours(site: Site, chosen: list[Resource], truth: Truth) -> set[str]:
    """The things that may change: the credentials and the pipelines that were chosen."""
    names = {each.wish.ica_name for each in chosen if isinstance(each.wish, Credential)}
    which = {each.wish.which for each in chosen if isinstance(each.wish, Pipeline)}
    return {f"Pipeline {truth.pipelines[each]['id']}" for each in which} | {
        f"Credential {row['id']}"
        for row in truth.credentials
        if row["owner_id"] == truth.users[site.user] and row["name"] in names
    }


def holds_when_done(site: Site, ica: Reference, chosen: list[Resource], truth: Truth) -> None:
    """Every wish that was chosen has come true."""
    for each in chosen:
        wish, why = each.wish, f"{each.address} is not as it was wished"
        if isinstance(wish, Credential):
            rows = truth.credential(wish.ica_name, site.user)
            site.must(len(rows) == 1, f"{why}: {rows}")
            row = rows[0]
            site.must(row["type"] == wish.type and row["shared"] >= wish.shared, f"{why}: {row}")
            if not wish.role and row["secret_digest"] != digest(wish.value):
                site.must(row["id"] in ica.tampered, f"{why}: ICA has another secret")
        elif isinstance(wish, Pipeline):
            row = truth.pipelines[wish.which]
            site.must(row["status"] == wish.status, f"{why}: {row}")
            if wish.message is not None and row["message"] != wish.message:
                site.must(row["id"] in ica.tampered, f"{why}: its message is {row['message']!r}")
        else:
            site.must(truth.started(each.address, wish.generation), f"{why}: no analysis stands for it")


def excused(resource: Resource, need: Need, truth: Truth) -> bool:
    """Whether a resource may never come true, as far as can be told."""
    if not need.vague:
        return need.held or need.fault or need.doomed
    wish = resource.wish
    if isinstance(wish, Credential):
        return not wish.shared and any(row["shared"] for row in truth.credential(wish.ica_name, "ada"))
    if isinstance(wish, Pipeline):
        return bool(truth.pipelines[wish.which]["owner_id"] != truth.users["ada"])
    assert resource.item
    if resource.item.alone:
        return True  # a call of its own that was refused leaves nothing on the server
    mine = [each for each in truth.sent if each.address == resource.address]
    used = max((each.attempt for each in mine if each.generation == wish.generation), default=0)
    return used >= wish.attempts or any(not each.analysis for each in mine)


def shown(plan: Ran) -> dict[str, str]:
    """What a plan means to do, by address."""
    return {
        row["address"]: "held" if row["state"] == "held" else "+".join(row["verbs"])
        for row in plan.json["resource_changes"]
    }
