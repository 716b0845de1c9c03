"""What a person may ask of a journal: what has no known end, whether it is whole, and to close a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from icaform.address import Address
from icaform.diagnostic import Code, Diagnostic, Rejected, Severity
from icaform.engine.connect import Options, journal_of
from icaform.engine.frozen import again
from icaform.engine.lease import gone, lease, myself
from icaform.engine.run import Run
from icaform.engine.secrets import Secrets
from icaform.engine.setting import Place
from icaform.engine.settle import NOT_THERE, settle
from icaform.engine.world import World
from icaform.journal.account import BEGUN, Account, Line, lines_of
from icaform.journal.store import Store
from icaform.operation import Answer, Call, Json, Repeat
from icaform.state import Begun, Identity


def account_of(store: Store, workspace: str, now: float, *, everything: bool, limit: int | None) -> Account:
    """What is pending, oldest first; or everything, newest first. ``limit`` is how many of the newest.

    Rejected where there is no journal.
    """
    lines = lines_of(store.entries())
    _require(store)
    open_ = [line for line in lines if line.pending]
    told = lines if everything else open_
    told = told[-limit:] if limit else told
    held = store.holder()
    return Account(
        workspace,
        store.name,
        now,
        tuple(reversed(told)) if everything else tuple(told),
        len(open_),
        len(lines),
        held,
        held is not None and (held.expires <= now or gone(held.holder)),
    )


def audit_of(store: Store, workspace: str, now: float) -> tuple[Account, list[Diagnostic]]:
    """How many entries the journal has that can be read, and what is wrong with it.

    Rejected where there is no journal.
    """
    flaws = store.audit()
    if not flaws:
        _require(store)
    checked = 0
    try:
        for _ in store.entries():
            checked += 1
    except Rejected as rejected:
        flaws = flaws or list(rejected.diagnostics)
    account = Account(workspace, store.name, now, (), 0, checked, checked=checked)
    return account, flaws


def _require(store: Store) -> None:
    """Rejected where there is no journal: it holds nothing, and yet nobody has looked at what was meant."""
    if store.fingerprint_key() is None:
        how = "the first icaform apply makes it; name another workspace's folder, or its place with --journal"
        raise Rejected([Diagnostic(Code.JOURNAL, f"there is no journal at {store.name}", how)])


def chosen(account: Account, numbers: Collection[int]) -> tuple[Line, ...]:
    """The calls that are meant: those of the numbers, or all that are pending.

    Rejected where a number is not that of a call.
    """
    if not numbers:
        return tuple(line for line in account.lines if line.pending)
    begun = {line.number: line for line in account.lines if line.entry == BEGUN}
    unknown = sorted(set(numbers) - begun.keys())
    if unknown:
        raise Rejected(
            [
                Diagnostic(
                    Code.USAGE,
                    f"the journal {account.journal} has no call with number {', '.join(map(str, unknown))}",
                    "icaform journal list tells the numbers of the calls that are pending",
                )
            ]
        )
    return tuple(begun[number] for number in sorted(set(numbers)))


def close(
    run: Run,
    numbers: Sequence[int],
    *,
    look: bool,
    happened: bool | None,
    note: str,
    confirm: Callable[[Sequence[Begun]], bool],
    run_url: str = "",
) -> Collection[int]:
    """Close pending calls: what looking tells by itself, and the rest on a person's word, where it is given.

    ``happened`` is that word, and ``note`` says whose it is and why. What is neither told nor said stays
    pending. It gives the numbers of those that were closed here: others may have been closed by then.
    Rejected where another run has the workspace's lease.
    """
    with lease(run, myself(), run_url, lambda: None):
        open_ = run.memory().pending
        found = [each for each in numbers if each in open_]
        if look:
            settle(run, numbers, final=True)
        left = [open_[each] for each in found if each in open_]
        if left and happened is not None and confirm(left):
            for secret in {each for wish in run.wishes for each in wish.secrets}:
                run.secrets.peek(secret)  # whoever says why may have repeated one
            for begun in left:
                facts = _facts(begun) if happened else {}
                run.ended(begun.number, "settled", facts, note)
        return [each for each in found if each not in open_]


def closed_before(lines: Sequence[Line], closed: Collection[int], happened: bool | None) -> list[Diagnostic]:
    """Which of the calls that were meant had been closed, and by whom; an error where that contradicts us."""
    return [
        Diagnostic(
            Code.OUTCOME_UNKNOWN,
            f"call {line.number} was closed before ({line.note or line.state}); nothing was changed",
            "icaform plan tells what ICA shows of it; what is not there, apply sends",
            severity=Severity.ERROR if {_stands(line), happened} == {True, False} else Severity.WARNING,
        )
        for line in lines
        if not line.pending and line.number not in closed
    ]


_SAID = re.compile(" says it was (not )?done(?::|$)")


def _stands(line: Line) -> bool | None:
    """Whether a call that was closed had its effect, as the journal has it; None where it had some of it."""
    if line.state != "settled":
        return line.state == "done"
    said = _SAID.search(line.note)
    return not said[1] if said else False if line.note.startswith(NOT_THERE) else None


def word_of(environ: Mapping[str, str], word: str, note: str) -> str:
    """A person's word as the journal keeps it; who it is the CI runner tells, or the shell."""
    names = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER", "USERNAME")
    who = next((environ[name] for name in names if environ.get(name)), "somebody")
    return f"{who} says it was {word.replace('-', ' ')}" + (f": {note}" if note else "")


@contextmanager
def alone(world: World, place: Place, options: Options) -> Iterator[Run]:
    """A run that has a journal and nothing else: no server, no manifests."""
    with journal_of(world, place, options, read_only=False) as store:
        secrets = Secrets(world.environ, (), place.folder)
        yield Run(world, {}, place, "", "", _Nowhere(), store, secrets, Identity("", ""), ())


class _Nowhere:
    """A Transport of which nothing is asked."""

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        raise AssertionError(f"{call} has nowhere to go")

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        raise AssertionError(f"{len(calls)} calls have nowhere to go")

    def close(self) -> None:
        """Nothing is open."""


def _facts(begun: Begun) -> dict[Address, dict[str, Json]]:
    """What to remember of a call that a person says was done; that a secret arrived nobody can say.

    Of what it started the id is not known: ``vouched`` stands for that, or it would be started again.
    """
    operation = again(begun)
    said = operation.remember if operation else {}
    vouched = {"vouched": True} if operation and operation.call.repeat is Repeat.KEYED else {}
    return {
        address: {name: None if name == "secret" else fact for name, fact in facts.items()} | vouched
        for address, facts in said.items()
    }
