"""One operation, from the journal's ``begun`` to a known end, or to an honest Unknown.

The order is SAFETY's: durable before the bytes leave, durable after; and after any send that was not
acknowledged, look before sending again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, repeat

from icaform.address import Address
from icaform.change import Update
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.frozen import Frozen, described, freeze
from icaform.engine.observe import converse
from icaform.engine.run import AWAITED, LOOKS, MAKING, TWICE, Run, ago
from icaform.engine.sight import is_over, sight_of, work_of
from icaform.journal.store import Intent
from icaform.operation import (
    Answer,
    Done,
    Json,
    Operation,
    Outcome,
    Problem,
    Refused,
    RefusedByServer,
    Repeat,
    Skipped,
    Unknown,
)
from icaform.plan import keyed
from icaform.state import Live
from icaform.wire import Ousted, Unauthorised, Unreachable, WireError

KEY_LIFE = 7 * 86400.0
"""Seconds for which ICA keeps the answer to an Idempotency-Key (ICA, description of the header)."""
ROUNDS = 4
"""How often an unacknowledged call is looked for, and sent again where it is surely not there."""

Outcomes = dict[Address, Outcome]


class Executor:
    """Executes operations of one plan, from several threads. ``ids`` are those of live and new resources."""

    def __init__(self, run: Run, live: Mapping[Address, Live]) -> None:
        self.run = run
        self.live = live
        self.ids: dict[Address, str] = {address: each.id for address, each in live.items() if each.id}
        self.granted: set[str] = set()
        """The keys of calls that ICA has acknowledged, what they started being followed or seen through."""
        self.stopping: Diagnostic | None = None
        self._lock = threading.Lock()

    def execute(self, operation: Operation) -> Outcomes:
        """Send one operation and see it through. Raises nothing that the server or the wire may do."""
        if self.stopping:
            return {address: Skipped(self.stopping) for address in operation.addresses}
        try:
            frozen = freeze(operation, self.ids, self.run.secrets)
        except Rejected as rejected:
            return {address: Skipped(rejected.diagnostics[0]) for address in operation.addresses}
        doubt = self.in_doubt(operation, frozen)
        if doubt:
            return {address: Unknown(replace(doubt, address=address)) for address in operation.addresses}
        try:
            number, tried = self.begin(operation, frozen)
        except Rejected as rejected:
            # What cannot be written down is not sent.
            self.stopping = rejected.diagnostics[0]
            return {address: Skipped(self.stopping) for address in operation.addresses}
        try:
            return self.deliver(operation, frozen, number, tried)
        except Rejected as rejected:
            # It was sent, and its end cannot be written down: the next run looks what became of it.
            self.stopping = rejected.diagnostics[0]
            return {address: Unknown(self.stopping) for address in operation.addresses}

    def in_doubt(self, operation: Operation, frozen: Frozen) -> Diagnostic | None:
        """Why it may not be sent yet: another call for one of its resources may still have its effect.

        The same call under another user is another one too: ICA keeps answers by key *and* user. So is one
        of which this run could not tell what became of it, for ICA keeps no answer of its own failures.
        """
        mine, who = set(operation.addresses), (self.run.identity.user, self.run.identity.tenant)
        for number, begun in tuple(self.run.memory().pending.items()):
            same = (begun.key, begun.user, begun.tenant) == (frozen.call.key, *who)
            if (not same or number in self.run.unclear) and mine.intersection(begun.addresses):
                now = self.run.now()
                return Diagnostic(
                    Code.OUTCOME_UNKNOWN,
                    f"a call to {begun.verb} it was begun {ago(begun, now)} and its answer is not known; "
                    "what it started may not show yet",
                    "run apply again later: it looks again, and sends what has not come by then",
                )
        return None

    def begin(self, operation: Operation, frozen: Frozen, before: int = 0) -> tuple[int, bool]:
        """Write down, durably, what is about to be sent; tell whether an earlier try may yet come through.

        Each try has an entry of its own, for its effect may come as late after it as after the first. It
        takes the place of the entry of the try ``before``, and of an earlier run's, the same to the byte.
        """
        run, call, digest = self.run, frozen.call, frozen.digest
        same = (call.key, digest, operation.addresses)
        earlier = {
            number: begun
            for number, begun in tuple(run.memory().pending.items())
            if number == before or (digest and (begun.key, begun.body_digest, begun.addresses) == same)
        }
        making = call.repeat in MAKING
        tried = making and not all(is_over(run, begun, operation) for begun in earlier.values())
        number = run.begin(
            Intent(
                addresses=operation.addresses,
                verb=operation.verb,
                call=described(call, operation, run.secrets, dated=run.ahead() is not None),
                key=call.key,
                body_digest=digest,
                body=frozen.kept,
                user=run.identity.user,
                tenant=run.identity.tenant,
                time=run.now(),
            )
        )
        for each in earlier:
            run.ended(each, "settled", note=f"begun again as {number}")
        if making:
            run.bookmark.put(number)
        return number, tried

    def deliver(self, operation: Operation, frozen: Frozen, number: int, tried: bool) -> Outcomes:
        """Send what was begun until it is acknowledged, observed, surely absent, or unknown.

        ``tried``: an earlier run may have sent it, so that no failure of ours tells what became of it.
        """
        call = frozen.call
        doubt: WireError | None = None
        for _round in range(ROUNDS):
            if doubt:
                number, _ = self.begin(operation, frozen, number)
            try:
                answer = self.run.session.send(call, frozen.body)
            except WireError as error:
                if error.certain and doubt is None:
                    return self.not_sent(operation, None if tried else number, error)
                doubt = error
            else:
                made = _id_in(answer)
                if answer.problem is None and (made or not operation.id_fact):
                    return self.acknowledged(operation, answer, made, number)
                if answer.problem is None:
                    doubt = WireError(call, "ICA granted it without telling an id")
                elif answer.status == 409 and call.repeat is Repeat.KEYED:
                    doubt = WireError(call, "a call with the same key is still running")
                else:
                    return self.denied(operation, number, answer.problem, tried or doubt is not None)
            found = self.recover(operation, number, doubt)
            if found is not None:
                return found
        assert doubt is not None
        return self.unknown(operation, number, doubt.sentence)

    def acknowledged(self, operation: Operation, answer: Answer, made: str, number: int) -> Outcomes:
        """ICA granted the call: remember what only the answer tells, then follow what it started."""
        facts = {address: dict(operation.remember.get(address, {})) for address in operation.addresses}
        now = self.run.now()
        for each in facts.values():
            each["written"] = now
            if operation.id_fact:
                each[operation.id_fact] = made
        if operation.makes:
            with self._lock:
                self.ids[operation.addresses[0]] = made
        self.run.ended(number, "done", facts)
        self.granted.add(operation.call.key)
        kind = self.run.kinds[operation.addresses[0].kind]
        view = self.run.view(self.run.memory())
        outcomes: Outcomes = {
            address: Done(made if operation.makes else "") for address in operation.addresses
        }
        try:
            told = converse(kind.follow(operation, answer, view), self.run.session, self.run.pause)
        except (WireError, RefusedByServer) as error:
            # It was acknowledged and remembered, so the next run goes on from here.
            self.run.world.progress(
                "note", f"{operation.name} was accepted; how it went on is not known: {error}"
            )
            return outcomes
        self.run.adopt(_facts(told))
        return {**outcomes, **told}

    def denied(self, operation: Operation, number: int, problem: Problem, tried: bool) -> Outcomes:
        """ICA said no; an earlier try that came through may be why, so look before believing it."""
        if tried or operation.call.repeat is Repeat.SAME:
            try:
                sight = sight_of(self.run, operation, self.live)
            except (WireError, RefusedByServer) as error:
                return self.unknown(
                    operation, number, f"ICA refused it ({problem}), and looking failed: {error}"
                )
            if sight.whole:
                return self.found(operation, number, sight.there, already=True)
        if tried:
            return self.unknown(
                operation, number, f"an earlier try is in doubt, and ICA refused a later one: {problem}"
            )
        return self.refused(operation, number, problem)

    def refused(self, operation: Operation, number: int, problem: Problem) -> Outcomes:
        """ICA said no, and so nothing happened."""
        forbidden = problem.status in (401, 403)
        failed = {} if forbidden else operation.fails
        facts = {address: {**each, "failed": str(problem)} for address, each in failed.items()}
        self.run.ended(number, "refused", facts, note=str(problem))
        code = Code.UNAUTHORISED if forbidden else Code.REFUSED
        return {
            address: Refused(
                Diagnostic(
                    code, f"ICA refused to {operation.verb}: {problem}", _remedy(problem), address=address
                )
            )
            for address in operation.addresses
        }

    def not_sent(self, operation: Operation, number: int | None, error: WireError) -> Outcomes:
        """It is certain that the server did nothing. What would fail in the same way is not tried.

        ``number`` is that of the entry that this ends, if it does.
        """
        # Whoever has the workspace now may have taken the entry over.
        if number is not None and not isinstance(error, Ousted):
            self.run.ended(number, "not-sent", note=error.sentence)
        diagnostic = error.diagnostic()
        if isinstance(error, Unreachable | Unauthorised | Ousted):
            self.stopping = diagnostic
        return {address: Skipped(replace(diagnostic, address=address)) for address in operation.addresses}

    def unknown(self, operation: Operation, number: int, why: str) -> Outcomes:
        """It could not be decided. The journal keeps it pending, so that the next run looks again."""
        self.run.ended(number, "unknown", note=why)
        return {
            address: Unknown(
                Diagnostic(
                    Code.OUTCOME_UNKNOWN,
                    f"whether the call to {operation.verb} had its effect is not known: {why}",
                    "look in ICA, then run apply again; it looks before it sends",
                    address=address,
                )
            )
            for address in operation.addresses
        }

    def recover(self, operation: Operation, number: int, doubt: WireError) -> Outcomes | None:
        """Wait out the read lag and look, twice where the server works on it afterwards. None: surely not
        there, so it may be sent again.
        """
        run = self.run
        run.pause(
            run.place.setting.readLag + operation.appears,
            f"{operation.name}: {doubt.sentence}; looking before sending again",
        )
        waited, looks, shown, again = 0.0, chain(LOOKS, repeat(LOOKS[-1])), False, False
        while True:
            try:
                sight = sight_of(run, operation, self.live)
            except (WireError, RefusedByServer) as error:
                return self.unknown(
                    operation, number, f"{doubt.sentence}; and looking for it failed: {error}"
                )
            if sight.work:
                # What ICA is at work on tells what the lost answer would have told.
                return self.acknowledged(operation, Answer(200, {"id": sight.work}), sight.work, number)
            # A later answer may know less than one before.
            shown = shown or bool(sight.there or sight.coming or sight.unsure)
            if operation.works and not (shown or again):
                again = True
                run.pause(run.place.setting.readLag, f"{operation.name}: {TWICE}")
                continue
            if not (sight.there and sight.coming) or waited >= AWAITED:
                break
            pause = next(looks)
            run.pause(pause, f"{operation.addresses[0].parent}: {len(sight.coming)} still to be created")
            waited += pause
        if sight.whole:
            return self.found(operation, number, sight.there)
        if sight.there:
            # Part of a chunk is visible: sending the rest again now might start it twice.
            why = f"{doubt.sentence}; {len(sight.there)} of {len(operation.addresses)} are there so far"
            seen = {address: Done(live.id, observed=True) for address, live in sight.there.items()}
            return {**self.unknown(operation, number, why), **seen}
        if shown:
            # Another call may have made it, or be about to: sending this one now might make it twice.
            return self.unknown(operation, number, f"{doubt.sentence}; what is there cannot be told apart")
        return None

    def found(
        self, operation: Operation, number: int, there: Mapping[Address, Live], *, already: bool = False
    ) -> Outcomes:
        """It is there, and its answer was lost; what only that would have proved is written again."""
        self.run.ended(number, "done", self.kept_facts(operation, there))
        outcomes: Outcomes = {address: Done(live.id, already=already) for address, live in there.items()}
        if not operation.unproven:
            return outcomes
        try:
            changes = self.run.look(operation.addresses, self.live)
        except (WireError, RefusedByServer) as error:
            return self.unproven(operation, f"looking at it again failed: {error}")
        view = self.run.view(self.run.memory())
        for address, change in changes.items():
            if not isinstance(change, Update):
                continue
            for each in self.run.kinds[address.kind].operate([change], view):
                if any(each.remember.get(address, {}).get(fact) is not None for fact in operation.unproven):
                    ended = self.execute(keyed(self.run.identity.tenant, each))[address]
                    outcomes[address] = outcomes[address] if isinstance(ended, Done) else ended
        return outcomes

    def unproven(self, operation: Operation, why: str) -> Outcomes:
        """It is there, and whether it is so in all that was sent is not known."""
        reason = Diagnostic(Code.OUTCOME_UNKNOWN, f"it is there; {why}", "run apply again: it looks again")
        return {address: Unknown(replace(reason, address=address)) for address in operation.addresses}

    def kept_facts(
        self, operation: Operation, there: Mapping[Address, Live]
    ) -> dict[Address, dict[str, Json]]:
        """What an observed but unacknowledged call lets us remember: all but what that does not prove."""
        work, now = work_of(operation, there), self.run.now()
        if work:
            every = operation.remember.items()
            return {address: {**said, operation.id_fact: work, "written": now} for address, said in every}
        facts = {}
        for address, live in there.items():
            said = {
                name: None if name in operation.unproven else fact
                for name, fact in operation.remember.get(address, {}).items()
            }
            # A later look may be told less than this one.
            own = {self.run.kinds[address.kind].id_fact: live.id} if live.id else {}
            facts[address] = {**said, **own, "written": now}
            with self._lock:
                self.ids[address] = live.id
        return facts


def _id_in(answer: Answer) -> str:
    found = answer.body.get("id") if isinstance(answer.body, dict) else None
    return found if isinstance(found, str) else ""


def _facts(outcomes: Mapping[Address, Outcome]) -> dict[Address, Mapping[str, Json]]:
    return {
        address: outcome.remember
        for address, outcome in outcomes.items()
        if not isinstance(outcome, Skipped) and outcome.remember
    }


def _remedy(problem: Problem) -> str:
    match problem.status:
        case 401 | 403:
            return "use an API key whose user may do this; icaform whoami tells which is used"
        case 404:
            return "check that it still exists and that the project may see it"
        case 409:
            return "something else is changing it; run apply again"
    return "see ICA's own words above"
