"""The Session, which sends calls and gets answers; and behind it the one door to ``requests``."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from icaform import __version__
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.operation import Answer, Call, Repeat
from icaform.wire.answer import Hide, read_problem
from icaform.wire.auth import MINT, Tokens
from icaform.wire.clock import Clock
from icaform.wire.credential import Credential, Means
from icaform.wire.dates import Dates
from icaform.wire.fan import fan_out
from icaform.wire.jwt import Identity
from icaform.wire.limits import MIB, Event, Limits
from icaform.wire.memory import Loan, Memory, TooMuch
from icaform.wire.paging import collect
from icaform.wire.problem import (
    BadAnswer,
    NotSent,
    Ousted,
    RateLimited,
    Unanswered,
    Unauthorised,
    Unreachable,
    WireError,
)
from icaform.wire.rate import Pace, Stopped
from icaform.wire.reply import LARGEST_PROBLEM, Reply, granted
from icaform.wire.request import body_of, check, headers_of, url_of
from icaform.wire.retry import backoff, may_repeat, refusal, retry_after
from icaform.wire.server import base_url, is_loopback
from icaform.wire.stream import Garbled, TooLarge, Unasked, read_body
from icaform.wire.tokencache import TokenCache

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True, slots=True)
class Question:
    """What one question may take: until when, by the clock, and the memory of its answer.

    ``authorisation`` are the headers of a question for a token.
    """

    due: float
    loan: Loan
    authorisation: Mapping[str, str] | None = None


class Session:
    """Calls to one server with one credential, from any number of threads.

    ``server`` is a base URL as ``find_server`` gives it; Rejected where it may not be trusted with a token.
    ``token_cache`` is a folder for tokens, none are kept without it. ``seed`` fixes the jitter of retries.
    ``permitted`` is asked just before a write leaves, for it may have waited long: Ousted where it says no.
    ``calls`` counts each request that went out, retries and tokens included, by "GET /api/projects".
    """

    def __init__(
        self,
        server: str,
        credential: Credential,
        *,
        clock: Clock,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        token_cache: Path | None = None,
        on_event: Callable[[Event], None] | None = None,
        read_only: bool = False,
        seed: int | None = None,
    ) -> None:
        self.server = base_url(server, "the server")
        self.calls: Counter[str] = Counter()
        self._conceal: Hide = str
        self.permitted: Callable[[], bool] = lambda: True
        self._clock = clock
        self._limits = limits
        self._tell = on_event or (lambda event: None)
        self._read_only = read_only
        self._random = Random(seed)
        self._pace = Pace(clock, self._random, limits.calls_per_second)
        self._memory = Memory(limits.max_held)
        self._door = Door(self.server, clock, limits)
        self._heard = False
        self._counting = threading.Lock()
        self._agent = f"icaform/{__version__}"
        cache = TokenCache(token_cache, self.server, credential) if token_cache else None
        self._tokens = Tokens(credential, self.server, self._with_headers, clock, cache, self._pause)
        key = {"X-API-Key": credential.secret} if credential.means is Means.KEY_ALONE else None
        self._standing: Mapping[str, str] | None = key
        self.dates = Dates()

    def __repr__(self) -> str:
        return f"Session({self.server!r})"

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        """Send one call and return what the server said, 4xx included; WireError if it said nothing usable.

        ``body`` are the ready bytes of a write's JSON; a read makes its own. It is sent again only where
        that is harmless (``Call.repeat``). ReadOnly or ValueError for a call that may not go out.
        """
        with self._memory.loan() as loan:
            due = self._clock.monotonic() + self._limits.question
            question = Question(due, loan, self._standing)

            def ask(page: Call) -> Answer:
                return self._deliver(page, body, question)

            answer = collect(call, ask, self._limits.page_size) if call.paged else ask(call)
            loan.leave(answer)
            return answer

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """Send reads at once and return their answers in order.

        After a WireError no more are begun, those under way end, and the first error is raised.
        """
        if any(call.repeat is not Repeat.READ for call in calls):
            raise ValueError("only reads go out at once")
        return fan_out(self.send, calls, self._limits.workers)

    def keep(self, guard: Callable[[str], None], conceal: Hide) -> None:
        """Have credentials and tokens guarded, those to come too, and concealed in the server's words."""
        self._conceal = conceal
        self._tokens.teach(guard)

    def identity(self) -> Identity:
        """Whom the token speaks for; mints one if need be. WireError as ``send``; Rejected as ``Tokens``."""
        return self._tokens.identity()

    @property
    def calls_per_second(self) -> float | None:
        """What the server was found to allow, or this run allows itself; None where neither is known."""
        return self._pace.limit

    def close(self) -> None:
        """Give up what waits for its turn (NotSent) and close idle connections. What is in flight ends."""
        self._pace.stop()
        self._door.close()

    @property
    def ahead(self) -> float | None:
        """By how many seconds our clock is ahead of the server's, by its last answer; it tells whole ones."""
        return self.dates.ahead

    def _pause(self, seconds: float) -> None:
        self._tell(Event("retry", str(MINT), seconds=seconds, reason="the token does not count yet"))
        self._clock.sleep(seconds)

    def _with_headers(self, call: Call, headers: Mapping[str, str]) -> Answer:
        with self._memory.loan() as loan:
            question = Question(self._clock.monotonic() + self._limits.question, loan, headers)
            return self._deliver(call, None, question)

    def _deliver(self, call: Call, body: bytes | None, question: Question) -> Answer:
        """One call with its retries. Without an authorisation a token is used, and renewed once on a 401."""
        check(call, body, self._read_only)
        data = body_of(call, body)
        headers = headers_of(call, data, self._agent)
        begun = earliest = self._clock.monotonic()
        failed: WireError | None = None
        renewed, doubt, attempt = False, False, 0
        while True:
            self._wait(call, earliest, begun, failed, question.due)
            # Only now, for one that is taken along while waiting for a turn may die on the way.
            token = "" if question.authorisation else self._token(certain=not doubt)
            if call.repeat is not Repeat.READ and not self.permitted():
                raise Ousted(call, "another run has taken this workspace", certain=not doubt)
            sent = self._clock.monotonic()
            try:
                bearer = question.authorisation or {"Authorization": f"Bearer {token}"}
                answer = self._exchange(call, data, {**headers, **bearer}, question)
                if answer.status == 401 and self._standing and bearer is self._standing:
                    said = f"{self._tokens.refused}: {answer.problem}"
                    raise Unauthorised(call, said, problem=answer.problem)
                if answer.status != 401 or not token:
                    return answer
                if renewed:
                    said = f"{self._tokens.refused}, with a new token too: {answer.problem}"
                    raise Unauthorised(call, said, problem=answer.problem)
            except WireError as error:
                # One try whose end is unknown leaves the whole call in doubt, however the later ones end.
                doubt = doubt or not error.certain
                error.certain = not doubt
                failed, attempt = error, attempt + 1
                asked = error.retry_after
                if error.status in (429, 503):
                    delay = self._pace.refused(sent, asked)
                else:
                    delay = backoff(attempt, self._random) if asked is None else asked
                if not may_repeat(call, error):
                    raise
                earliest = self._clock.monotonic() + delay
                pace = self._pace.calls_per_second
                self._tell(Event("retry", str(call), error.status or None, delay, error.sentence, pace))
            else:
                self._token(certain=not doubt, stale=token, call=call)
                renewed = True

    def _token(self, *, certain: bool, stale: str = "", call: Call = MINT) -> str:
        try:
            return self._tokens.renew(stale, call) if stale else self._tokens.current()
        except WireError as error:
            raise error.regarding(certain) from None

    def _wait(self, call: Call, earliest: float, begun: float, failed: WireError | None, due: float) -> None:
        first = isinstance(failed, Unreachable) and not self._heard
        deadline = begun + min(self._limits.patience, self._limits.first_contact if first else float("inf"))
        if self._clock.monotonic() >= due:
            raise failed or Unanswered(call, f"no end of it within {self._limits.question:.0f} s")
        try:
            waited = self._pace.turn(earliest, min(deadline, due))
        except Stopped:
            raise NotSent(call, "the run was stopped first", certain=not failed or failed.certain) from None
        if waited is None:
            raise failed or RateLimited(call, "ICA asks for a longer pause than the patience of this run")
        if waited:
            self._tell(Event("wait", str(call), seconds=waited, pace=self._pace.calls_per_second))

    def _exchange(
        self, call: Call, data: bytes | None, headers: Mapping[str, str], question: Question
    ) -> Answer:
        """One request and its answer, judged by its status."""
        with self._counting:
            self.calls[str(call)] += 1
        begun, sent = self._clock.monotonic(), self._clock.now()
        with self._memory.loan() as passing:
            try:
                reply = self._door.exchange(call, data, headers, passing, question.due - begun)
            except TooMuch:
                raise self._too_much(call) from None
            except WireError as error:
                took = self._clock.monotonic() - begun
                self._tell(Event("call", str(call), None, took, error.sentence))
                raise
            self._heard = True
            self.dates.last = (reply.headers.get("Date", ""), sent, self._clock.now())
            self._tell(Event("call", str(call), reply.status, self._clock.monotonic() - begun))
            return self._judged(call, reply, passing, question.loan)

    def _judged(self, call: Call, reply: Reply, passing: Loan, loan: Loan) -> Answer:
        if reply.status >= 400:
            problem = read_problem(reply.status, reply.type, reply.body, self._masked)
            asked = reply.headers.get("Retry-After", "")
            # A date is one of the server's clock.
            pause = retry_after(asked, self._clock.now() - (self.ahead or 0.0)) if asked else None
            if refused := refusal(call, reply.status, problem, pause):
                raise refused
            self._pace.granted()
            return Answer(reply.status, problem=problem)
        self._pace.granted()
        try:
            return granted(call, reply, passing.take, loan.take, self._masked)
        except TooMuch:
            raise self._too_much(call) from None

    def _masked(self, text: str) -> str:
        for secret in filter(None, self._tokens.secrets()):
            text = text.replace(secret, "***").replace(secret.lower(), "***")
        return self._conceal(text)

    def _too_much(self, call: Call) -> BadAnswer:
        sentence = f"what ICA answers takes more than {self._limits.max_held // MIB} MB of memory"
        return BadAnswer(call, sentence, remedy=_FEWER, status=200)


_FEWER = "Choose fewer resources with --only, or split the workspace; if it is small, the answer is no ICA's."


class Door:
    """One HTTP exchange: bytes out, bytes in. No retries, redirects, cookies or netrc: only an adapter.

    A proxy of the environment is used, except to this machine, and through a tunnel alone, so it sees no
    token; certificates are always checked, against REQUESTS_CA_BUNDLE or SSL_CERT_FILE where set.
    """

    def __init__(self, server: str, clock: Clock, limits: Limits) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from requests.utils import get_environ_proxies, select_proxy

        from icaform.wire import connection

        self._server = server
        self._clock = clock
        self._limits = limits
        self._request = requests.Request
        self._trip = connection.TRIP
        self._failures = connection.FAILURES
        self._reason = connection.reason
        self._adapter = HTTPAdapter(pool_connections=2, pool_maxsize=limits.workers + 1, max_retries=0)
        connection.track(self._adapter.poolmanager)
        self._verify: str | bool = _certificates()
        self._proxies: dict[str, str] = {}
        proxy = None if is_loopback(server) else select_proxy(server, get_environ_proxies(server, None))
        if proxy:
            proxy = proxy if "://" in proxy else f"http://{proxy}"
            try:
                connection.track(self._adapter.proxy_manager_for(proxy))
            except (OSError, ValueError):
                raise _bad_setting("HTTPS_PROXY", "names no proxy that can be used") from None
            self._proxies = {urlsplit(server).scheme: proxy}

    def exchange(
        self, call: Call, data: bytes | None, headers: Mapping[str, str], loan: Loan, seconds: float
    ) -> Reply:
        """Unreachable while nothing has left; Unanswered or BadAnswer once something may have; TooMuch.

        The whole answer must be there in so many seconds, and within the deadline of a call.
        """
        limits = self._limits
        seconds = max(min(seconds, limits.call_deadline), _LEAST)
        self._trip.begin(self._clock.monotonic, seconds, limits.max_body + _FRAMING)
        try:
            response = self._adapter.send(
                self._request(call.method, url_of(self._server, call), headers, data=data).prepare(),
                stream=True,
                timeout=(min(limits.connect_timeout, seconds), min(limits.read_timeout, seconds)),
                verify=self._verify,
                proxies=self._proxies,
            )
        except self._failures as error:
            # The texts of these exceptions may quote headers, so none is passed on or chained.
            reason, passing = self._reason(error)
            if not self._trip.departed:
                raise Unreachable(call, reason, passing=passing) from None
            raise (Unanswered if passing else BadAnswer)(call, f"no answer: {reason}") from None
        status = response.status_code
        try:
            body = self._body(response, loan)
        except TooLarge:
            most = f"{limits.max_body:,} bytes"
            raise BadAnswer(call, f"an answer of more than {most}", status=status) from None
        except Unasked as error:
            raise BadAnswer(call, str(error), status=status) from None
        except Garbled as error:
            raise Unanswered(call, str(error), status=status) from None
        except self._failures as error:
            reason, passing = self._reason(error)
            kind = Unanswered if passing else BadAnswer
            raise kind(call, f"the answer broke off: {reason}", status=status) from None
        finally:
            response.close()
        return Reply(status, response.headers, body)

    def close(self) -> None:
        """Close idle connections."""
        self._adapter.close()

    def _body(self, response: requests.Response, loan: Loan) -> bytes:
        status, headers = response.status_code, response.headers
        if 300 <= status < 400:
            return b""
        said = headers.get("Content-Length", "")
        framed = said.isascii() and said.isdigit() and status != 204 and "Transfer-Encoding" not in headers
        try:
            return read_body(
                response.raw,
                headers.get("Content-Encoding", ""),
                int(said[:_DIGITS]) if framed else None,
                self._limits.max_body if status < 400 else LARGEST_PROBLEM,
                loan.take,
            )
        except (TooLarge, TooMuch, Unasked, Garbled, *self._failures):
            # A refusal is known by its status; its words are a courtesy.
            if status >= 400:
                return b""
            raise


_LEAST = 0.01
"""Seconds that a call gets at least, for no time at all would mean any time."""
_FRAMING = 16 * MIB
"""What headers, and the sizes of chunks, may take beside a body."""
_DIGITS = 18
"""Of a stated length: more are beyond any bound, and Python reads no number of thousands of digits."""


def _certificates() -> str | bool:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            if not os.path.exists(path):
                raise _bad_setting(name, "names a file of certificates that does not exist")
            return path
    return True


def _bad_setting(name: str, sentence: str) -> Rejected:
    return Rejected([Diagnostic(Code.BAD_SETTING, f"{name} {sentence}.", remedy=f"Mend or unset {name}.")])
