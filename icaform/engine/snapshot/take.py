"""Takes a snapshot: asks what the manifests ask, and what others might; keeps of it what plans read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.export.scope import EVERY, scope_of
from icaform.engine.listen import Listener, asked_by
from icaform.engine.observe import converse, observe
from icaform.engine.run import Run
from icaform.engine.snapshot.file import Snapshot, to_text
from icaform.journal import Memory
from icaform.operation import Json, RefusedByServer

_PROJECT = re.compile(r"/api/projects/([^/:]+)/")


def take(run: Run, projects: Sequence[str], named: str) -> tuple[Snapshot, str]:
    """A snapshot, and its text. ``named`` is the project where a flag or the environment names it.

    Whatever a secret's value would be found in is refused: it cannot be ours.
    """
    view = run.view(run.memory())
    heard = Listener(run.session)
    observe(run.kinds, run.wishes, view, heard)
    paths = [call.path for call, _ in heard.heard.values()]
    seen = {unquote(found[1]) for path in paths if (found := _PROJECT.match(path))}
    names = [*projects, *([run.project] if run.project else []), *sorted(seen)]
    scope = converse(scope_of(names or [EVERY], run.project), heard, run.pause)
    exports = [kind.export for kind in run.kinds.values() if kind.export]
    for export in exports:
        try:
            converse(export.survey(scope, view), heard, run.pause)
        except RefusedByServer:
            # A plan that asks the same is told the same.
            continue
    reads = frozenset().union(*(export.reads for export in exports))
    snapshot = Snapshot(
        view.now,
        view.workspace,
        run.server,
        run.identity,
        named,
        run.place.setting.server or "",
        _public(run),
        tuple(
            (asked_by(call), replace(answer, body=trimmed(answer.body, _read_at(call.path, reads)), etag=""))
            for call, answer in heard.heard.values()
        ),
    )
    text = to_text(snapshot)
    for wish in run.wishes:
        for secret in wish.secrets:
            run.secrets.peek(secret)
    if run.secrets.leaks(text):
        raise Rejected([_LEAK])
    return snapshot, text


_LEAK = Diagnostic(
    Code.SNAPSHOT,
    "what ICA or the journal tells holds the value of a secret, so no snapshot was written",
    "look for it in the names and the messages of what you keep in ICA, and rotate it",
)


def _read_at(path: str, reads: frozenset[str]) -> frozenset[str]:
    """The fields that are read in the answers of a path: ``path#field`` is one of that path alone."""
    return reads | {each.rpartition("#")[2] for each in reads if each.startswith(f"{path}#")}


def trimmed(value: Json, reads: frozenset[str]) -> Json:
    """An answer's body without the fields that no kind reads."""
    if isinstance(value, Mapping):
        return {name: trimmed(each, reads) for name, each in value.items() if name in reads}
    return [trimmed(each, reads) for each in value] if isinstance(value, list | tuple) else value


def _public(run: Run) -> Memory:
    """What the journal remembers, without what tells something of a secret."""
    memory = run.memory()
    private = {kind.name: kind.export.private for kind in run.kinds.values() if kind.export}
    remembered = {
        address: {name: fact for name, fact in facts.items() if name not in private[address.kind]}
        for address, facts in memory.remembered.items()
        if address.kind in private
    }
    return Memory(remembered, dict(memory.pending))
