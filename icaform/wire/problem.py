"""Every way in which a call can fail to bring an answer, as one tree, each with its remedy."""

# ruff: noqa: N818 - they read as verdicts, as in the rest of the house

from __future__ import annotations

from typing import ClassVar

from icaform.diagnostic import Code, Diagnostic
from icaform.operation import Call, Problem, Repeat


class ReadOnly(RuntimeError):
    """A read-only Session was asked to write: a plan writes nothing."""

    def __init__(self, call: Call) -> None:
        self.call = call
        super().__init__(f"{call}: this session only reads")


class WireError(Exception):
    """A call brought no answer that can be used.

    ``certain`` says that the server surely did not do what was asked, over all tries of the call;
    ``passing`` that it may succeed later; ``status`` is the HTTP status, 0 where there was none.
    No text here holds a token, a key or a body.
    """

    code: ClassVar[Code] = Code.UNREACHABLE
    usually_certain: ClassVar[bool] = False
    usually_passing: ClassVar[bool] = False
    advice: ClassVar[str] = ""

    def __init__(
        self,
        call: Call,
        sentence: str,
        *,
        remedy: str = "",
        problem: Problem | None = None,
        status: int = 0,
        certain: bool | None = None,
        passing: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.call = call
        self.sentence = sentence
        self.remedy = remedy or self.advice
        self.problem = problem
        self.status = problem.status if problem else status
        self.certain = self.usually_certain if certain is None else certain
        self.passing = self.usually_passing if passing is None else passing
        self.retry_after = retry_after
        super().__init__(f"{call}: {sentence}")

    def regarding(self, certain: bool) -> WireError:
        """The same error, seen from a call that it kept from being made."""
        return type(self)(
            self.call,
            self.sentence,
            remedy=self.remedy,
            problem=self.problem,
            status=self.status,
            certain=certain,
            passing=self.passing,
            retry_after=self.retry_after,
        )

    def diagnostic(self) -> Diagnostic:
        """The same for a person."""
        reads = self.call.repeat is Repeat.READ
        doubt = "" if self.certain or reads else "It is not certain that the call had no effect."
        return Diagnostic(self.code, str(self), remedy=self.remedy, detail=doubt)


class Unreachable(WireError):
    """The request never left: no such name, no connection, no trusted certificate."""

    usually_certain = True
    usually_passing = True
    advice = "Check the server's address, the network and the proxy (HTTPS_PROXY, NO_PROXY), then run again."


class NotSent(WireError):
    """The Session was closed while the call waited for its turn."""

    usually_certain = True
    advice = "Run again to go on."


class Ousted(NotSent):
    """The right to write was lost while the call waited for its turn."""

    code = Code.LOCKED
    advice = "Wait until that run has ended, then run again to go on."


class Unanswered(WireError):
    """The request left, and no whole answer came back: a time-out, a reset, a cut or garbled answer."""

    usually_passing = True
    advice = "Run again: what was begun is looked for before anything is sent twice."


class ServerFault(WireError):
    """ICA answered 5xx. The call may have had its effect all the same (SAFETY, observed at peers)."""

    code = Code.SERVER_FAULT
    usually_passing = True
    advice = "Run again later; if it stays, give ICA support the reference above."


class RateLimited(WireError):
    """ICA kept refusing with 429, or with 503 where a repeat is harmless, until patience was used."""

    code = Code.RATE_LIMITED
    usually_certain = True
    usually_passing = True
    advice = "Run again later, with fewer runs at once for the same user."


class Unauthorised(WireError):
    """ICA does not take the credentials: no token for them, or 401 with a token just minted."""

    code = Code.UNAUTHORISED
    usually_certain = True
    advice = "Check that it is valid still, and of this server and the right tenant."


class BadAnswer(WireError):
    """An answer that ICA's published contract does not allow: HTML, no JSON, too large, a redirect."""

    code = Code.BAD_ANSWER
    advice = "Check that the server's URL is ICA's (it ends in /ica/rest) and that no proxy answers instead."
