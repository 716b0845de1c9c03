"""GitHub's API, as far as the action needs it: patient with its limits, honest about lost answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from action.clock import Clock

TIMEOUT = (10, 30)
"""Seconds to connect, and between two bytes of an answer."""
PATIENCE = 300.0
"""Seconds that one call may wait in all. GitHub may ask for an hour; a job's minutes are not free."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
LIMITED_PAUSE = 60.0
"""GitHub's own advice for a secondary limit that names no time: at least a minute."""
TRIES = 6
PAGE = 100
VERSION = "2022-11-28"


class Failed(Exception):  # noqa: N818 - a verdict on a call
    """GitHub did not do what was asked. ``status`` is 0 where there was no answer."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class Refused(Failed):
    """It was certainly not done."""


class Lost(Failed):
    """It may have been done: no answer came, or a failure after the fact."""


@contextmanager
def understood() -> Iterator[None]:
    """Around whatever reads an answer: Lost where that is not as GitHub documents it, since it then cannot be
    told what was done.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Lost(f"GitHub's answer is not as documented ({type(error).__name__}: {error})"[:300]) from error


class GitHub:
    """Calls with one token. All methods raise Refused and Lost."""

    def __init__(self, api: str, graphql: str, token: str, clock: Clock) -> None:
        self._api = api.rstrip("/")
        self._graphql = graphql
        self._clock = clock
        self._http = requests.Session()
        self._http.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "User-Agent": "icaform",
                "X-GitHub-Api-Version": VERSION,
            }
        )
        self._token = token

    def read_all(self, path: str) -> Iterator[Any]:
        """Every element of a list, page by page."""
        page = 1
        while True:
            found = self._call("GET", f"{self._api}{path}?per_page={PAGE}&page={page}", None, harmless=True)
            if not isinstance(found, list):
                raise Lost(f"GET {self._api}{path}: an answer that is no list")
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    @understood()
    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The data that a GraphQL query gives."""
        body = {"query": query, "variables": dict(variables)}
        return self._call("POST", self._graphql, body, harmless=True)["data"]

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST. It is sent again only where GitHub certainly did nothing; Lost otherwise."""
        return self._call("POST", self._api + path, body, harmless=False)

    def change(self, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH, which does the same as often as it is sent."""
        return self._call("PATCH", self._api + path, body, harmless=True)

    def remove(self, path: str) -> None:
        """DELETE; what is gone already is as wanted."""
        try:
            self._call("DELETE", self._api + path, None, harmless=True)
        except Refused as refused:
            if refused.status not in (404, 410):
                raise

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None, *, harmless: bool) -> Any:
        begun = self._clock.now()
        tried = 0
        while True:
            tried += 1
            try:
                return self._exchange(method, url, body)
            except (_Limited, Lost) as failed:
                if isinstance(failed, _Limited):
                    pause = failed.pause
                else:
                    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tried - 1))
                    if not harmless:
                        raise
                if tried == TRIES or self._clock.now() + pause - begun > PATIENCE:
                    raise
            self._clock.sleep(pause)

    @understood()
    def _exchange(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:
        try:
            # `auth` is given, since requests would otherwise let a netrc file take its place.
            answer = self._http.request(
                method, url, json=body, auth=self._sign, timeout=TIMEOUT, allow_redirects=False
            )
            status, text = answer.status_code, answer.text
        except requests.RequestException as error:
            raise Lost(f"{method} {_shown(url)}: no answer ({type(error).__name__})") from None
        if status >= 500:
            raise Lost(f"{method} {_shown(url)}: GitHub failed ({status})", status)
        told = _json(answer)
        if pause := _pause(answer, told, self._clock.now()):
            raise _Limited(f"{method} {_shown(url)}: GitHub's rate limit", status, pause)
        if status >= 300:
            raise Refused(f"{method} {_shown(url)}: {_words(told, text)} ({status})", status)
        if isinstance(told, dict) and (errors := told.get("errors")):
            raise Refused(f"{method} {_shown(url)}: {_words(errors[0], text)}", _status(errors[0]))
        if told is None and status != 204:
            raise Lost(f"{method} {_shown(url)}: an answer that is no JSON", status)
        return told

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Limited(Refused):
    def __init__(self, sentence: str, status: int, pause: float) -> None:
        super().__init__(sentence, status)
        self.pause = pause


def _pause(answer: requests.Response, told: Any, now: float) -> float:
    """Seconds that GitHub's limits ask for, 0 where none is hit.

    A limit is a 403 or 429 with Retry-After, with no calls remaining until a time, or with words alone.
    """
    headers = answer.headers
    spent = headers.get("X-RateLimit-Remaining") == "0"
    if answer.status_code == 200:
        errors = told.get("errors") if isinstance(told, dict) else None
        if not errors or errors[0].get("type") != "RATE_LIMITED":
            return 0.0
    elif answer.status_code == 403:
        if "Retry-After" not in headers and not spent and "rate limit" not in _words(told, "").lower():
            return 0.0
    elif answer.status_code != 429:
        return 0.0
    if (asked := headers.get("Retry-After", "")).isdigit():
        return max(1.0, float(asked))
    if spent and (reset := headers.get("X-RateLimit-Reset", "")).isdigit():
        return max(1.0, float(reset) - now)
    return LIMITED_PAUSE


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _words(told: Any, text: str) -> str:
    """GitHub's own words, on one line and not too many."""
    said = told.get("message", "") if isinstance(told, dict) else text
    return " ".join(str(said).split())[:300] or "no reason given"


def _status(error: Any) -> int:
    kinds = {"NOT_FOUND": 404, "FORBIDDEN": 403}
    return kinds.get(error.get("type", "") if isinstance(error, dict) else "", 422)


def _shown(url: str) -> str:
    return url.split("?", 1)[0]
