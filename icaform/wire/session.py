"""The Session, which sends calls and gets answers; and behind it the one door to ``requests``."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from icaform import __version__
from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.operation import Answer, Call, Repeat
from icaform.wire.answer import read_problem
from icaform.wire.auth import MINT, Tokens
from icaform.wire.clock import Clock
from icaform.wire.credential import Credential
from icaform.wire.fan import fan_out
from icaform.wire.jwt import Identity, identity
from icaform.wire.limits import Event, Limits
from icaform.wire.paging import collect
from icaform.wire.problem import (
    BadAnswer,
    NotSent,
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
from icaform.wire.stream import Garbled, TooLarge, read_body
from icaform.wire.tokencache import TokenCache

if TYPE_CHECKING:
    import requests


class Session:
    """Calls to one server with one credential, from any number of threads.

    ``server`` is a base URL as ``find_server`` gives it; Rejected where it may not be trusted with a token.
    ``token_cache`` is a folder for tokens, none are kept without it. ``seed`` fixes the jitter of retries.
    ``conceal`` gives further texts that no word of a server may repeat: secrets that bodies carry.
    ``calls`` counts every request that went out, retries and tokens included, by "GET /api/projects".
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
        self.conceal: Callable[[], Iterable[str]] = tuple
        self._clock = clock
        self._limits = limits
        self._tell = on_event or (lambda event: None)
        self._read_only = read_only
        self._random = Random(seed)
        self._pace = Pace(clock)
        self._door = Door(self.server, clock, limits)
        self._heard = False
        self._counting = threading.Lock()
        self._agent = f"icaform/{__version__}"
        cache = TokenCache(token_cache, self.server, credential) if token_cache else None
        self._tokens = Tokens(credential, self._with_headers, clock, cache)

    def __repr__(self) -> str:
        return f"Session({self.server!r})"

    def send(self, call: Call, body: bytes | None = None) -> Answer:
        """Send one call and return what the server said, 4xx included; WireError if it said nothing usable.

        ``body`` are the ready bytes of a write's JSON; a read makes its own. It is sent again only where
        that is harmless (``Call.repeat``). ReadOnly or ValueError for a call that may not go out.
        """
        if call.paged:
            return collect(call, self.send, self._limits.page_size)
        return self._deliver(call, body, None)

    def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """Send reads at once and return their answers in order.

        After a WireError no more are begun, those under way end, and the first error is raised.
        """
        if any(call.repeat is not Repeat.READ for call in calls):
            raise ValueError("only reads go out at once")
        return fan_out(self.send, calls, self._limits.workers)

    def identity(self) -> Identity:
        """Whom the token speaks for; mints one if need be. WireError as ``send``."""
        if who := identity(self._tokens.current()):
            return who
        raise Unauthorised(MINT, "the access token does not say which tenant and user it is for")

    def close(self) -> None:
        """Give up what waits for its turn (NotSent) and close idle connections. What is in flight ends."""
        self._pace.stop()
        self._door.close()

    def _with_headers(self, call: Call, headers: Mapping[str, str]) -> Answer:
        return self._deliver(call, None, headers)

    def _deliver(self, call: Call, body: bytes | None, authorisation: Mapping[str, str] | None) -> Answer:
        """One call with its retries. Without ``authorisation`` a token is used, and renewed once on a 401."""
        check(call, body, self._read_only)
        data = body_of(call, body)
        headers = headers_of(call, data, self._agent)
        token = "" if authorisation else self._token(certain=True)
        begun = earliest = self._clock.monotonic()
        failed: WireError | None = None
        renewed, doubt, attempt = False, False, 0
        while True:
            self._wait(call, earliest, begun, failed)
            sent = self._clock.monotonic()
            try:
                bearer = authorisation or {"Authorization": f"Bearer {token}"}
                answer = self._exchange(call, data, {**headers, **bearer})
                if answer.status != 401 or not token:
                    return answer
                if renewed:
                    said = f"with a new token too: {answer.problem}"
                    raise Unauthorised(call, said, problem=answer.problem)
            except WireError as error:
                # One try whose end is unknown leaves the whole call in doubt, however the later ones end.
                doubt = doubt or not error.certain
                error.certain = not doubt
                failed, attempt = error, attempt + 1
                asked = error.retry_after
                delay = backoff(attempt, self._random) if asked is None else asked
                if error.status in (429, 503):
                    self._pace.refused(sent, delay)
                if not may_repeat(call, error):
                    raise
                earliest = self._clock.monotonic() + delay
                self._tell(Event("retry", str(call), error.status or None, delay, error.sentence))
            else:
                token, renewed = self._token(certain=not doubt, stale=token), True

    def _token(self, *, certain: bool, stale: str = "") -> str:
        try:
            return self._tokens.renew(stale) if stale else self._tokens.current()
        except WireError as error:
            raise error.regarding(certain) from None

    def _wait(self, call: Call, earliest: float, begun: float, failed: WireError | None) -> None:
        first = isinstance(failed, Unreachable) and not self._heard
        deadline = begun + min(self._limits.patience, self._limits.first_contact if first else float("inf"))
        try:
            waited = self._pace.turn(earliest, deadline)
        except Stopped:
            raise NotSent(call, "the run was stopped first", certain=not failed or failed.certain) from None
        if waited is None:
            raise failed or RateLimited(call, "ICA asks for a longer pause than the patience of this run")
        if waited:
            self._tell(Event("wait", str(call), seconds=waited))

    def _exchange(self, call: Call, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request and its answer, judged by its status."""
        with self._counting:
            self.calls[str(call)] += 1
        begun = self._clock.monotonic()
        try:
            reply = self._door.exchange(call, data, headers)
        except WireError as error:
            took = self._clock.monotonic() - begun
            self._tell(Event("call", str(call), None, took, error.sentence))
            raise
        self._heard = True
        self._tell(Event("call", str(call), reply.status, self._clock.monotonic() - begun))
        if reply.status >= 400:
            problem = read_problem(
                reply.status, reply.type, reply.body, (*self._tokens.secrets(), *self.conceal())
            )
            pause = retry_after(reply.headers.get("Retry-After", ""), self._clock.now())
            if refused := refusal(call, reply.status, problem, pause):
                raise refused
            self._pace.granted()
            return Answer(reply.status, problem=problem)
        self._pace.granted()
        return granted(call, reply)


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

    def exchange(self, call: Call, data: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Unreachable while nothing has left; Unanswered or BadAnswer once something may have."""
        self._trip.begin(self._clock.monotonic, self._limits.call_deadline)
        try:
            response = self._adapter.send(
                self._request(call.method, url_of(self._server, call), headers, data=data).prepare(),
                stream=True,
                timeout=(self._limits.connect_timeout, self._limits.read_timeout),
                verify=self._verify,
                proxies=self._proxies,
            )
        except self._failures as error:
            # The texts of these exceptions may quote headers, so none is passed on or chained.
            reason, passing = self._reason(error)
            if self._trip.departed:
                raise Unanswered(call, f"no answer: {reason}") from None
            raise Unreachable(call, reason, passing=passing) from None
        status = response.status_code
        try:
            body = self._body(response)
        except TooLarge:
            raise BadAnswer(
                call, f"an answer of more than {self._limits.max_body} bytes", status=status
            ) from None
        except Garbled as error:
            raise Unanswered(call, str(error), status=status) from None
        except self._failures as error:
            raise Unanswered(call, f"the answer broke off: {self._reason(error)[0]}", status=status) from None
        finally:
            response.close()
        return Reply(status, response.headers, body)

    def close(self) -> None:
        """Close idle connections."""
        self._adapter.close()

    def _body(self, response: requests.Response) -> bytes:
        status, headers = response.status_code, response.headers
        if 300 <= status < 400:
            return b""
        said = headers.get("Content-Length", "")
        framed = said.isdigit() and status != 204 and "Transfer-Encoding" not in headers
        try:
            return read_body(
                response.raw,
                headers.get("Content-Encoding", ""),
                int(said) if framed else None,
                self._limits.max_body if status < 400 else LARGEST_PROBLEM,
            )
        except (TooLarge, Garbled, *self._failures):
            # A refusal is known by its status; its words are a courtesy.
            if status >= 400:
                return b""
            raise


def _certificates() -> str | bool:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            if not os.path.exists(path):
                raise _bad_setting(name, "names a file of certificates that does not exist")
            return path
    return True


def _bad_setting(name: str, sentence: str) -> Rejected:
    return Rejected([Diagnostic(Code.BAD_SETTING, f"{name} {sentence}.", remedy=f"Mend or unset {name}.")])
