"""A small GitHub over real HTTP: comments, issues, merged pull requests, limits and faults.

What it answers follows GitHub's published REST description and GraphQL schema. It knows two GraphQL
queries, by the connection that they ask for (comments, issues); permissions are ``faults``.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LONGEST_BODY = 65_536
BOT = ("Bot", "github-actions")
"""The account of a job's own token."""


@dataclass
class Fault:
    """What happens to the next calls that fit, instead of their answer, or after their effect."""

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    after: bool = False
    """The call has its effect first."""
    times: int = 1
    meanwhile: Callable[[], None] | None = None
    """What somebody else does at that moment."""

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method == method and re.search(self.path, path) is not None


@dataclass
class FakeGitHub:
    """The state of one repository, ``lab/manifests``. ``viewer`` is whose token is used."""

    viewer: tuple[str, str] = BOT
    page: int = 100
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    url: str = ""

    def __post_init__(self) -> None:
        # Real ids have outgrown 32 bits.
        self._ids = itertools.count(3_000_000_001)
        self._numbers = itertools.count(40)

    def comment(
        self, body: str, author: tuple[str, str] = BOT, editor: tuple[str, str] | None = None, pull: int = 7
    ) -> int:
        """A comment that is there already."""
        made = next(self._ids)
        self.comments[made] = {"body": body, "author": author, "editor": editor, "pull": pull}
        return made

    def issue(self, body: str, author: tuple[str, str] = BOT, state: str = "open") -> int:
        """An issue that is there already."""
        made = next(self._numbers)
        self.issues[made] = {"body": body, "author": author, "editor": None, "state": state, "title": "old"}
        return made

    def merged(self, sha: str, head: str, number: int = 7, **other: Any) -> None:
        """A pull request whose merge is ``sha``."""
        told = {
            "number": number,
            "merged_at": "2026-11-21T10:00:00Z",
            "merge_commit_sha": sha,
            "head": {"sha": head},
            "base": {"ref": "main", "repo": {"full_name": "lab/manifests"}},
        }
        self.pulls.setdefault(sha, []).append(told | other)

    def fail(self, method: str, path: str, status: int = 0, **other: Any) -> None:
        """The next call that fits gets this status; 0 breaks the connection."""
        self.faults.append(Fault(method, path, status, **other))

    def count(self, method: str, path: str = "") -> int:
        """How many such calls arrived."""
        return sum(each == method and path in where for each, where in self.calls)

    def answer(self, method: str, url: str, sent: Any) -> tuple[int, Any]:
        """The status and the JSON of one call, after its effect."""
        parts = urlsplit(url)
        if method == "POST" and parts.path == "/graphql":
            return 200, self._graphql(sent["query"], sent["variables"])
        for verb, pattern, act in (
            ("POST", r"/repos/lab/manifests/issues/(\d+)/comments", self._comment),
            ("PATCH", r"/repos/lab/manifests/issues/comments/(\d+)", self._edit),
            ("DELETE", r"/repos/lab/manifests/issues/comments/(\d+)", self._delete),
            ("POST", r"/repos/lab/manifests/issues", self._open),
            ("PATCH", r"/repos/lab/manifests/issues/(\d+)", self._change),
            ("GET", r"/repos/lab/manifests/commits/(\w+)/pulls", self._pulls),
        ):
            if verb == method and (found := re.fullmatch(pattern, parts.path)):
                if len((sent or {}).get("body", "")) > LONGEST_BODY:
                    return 422, {"message": "Validation Failed"}
                return act(*found.groups(), sent=sent, query=parse_qs(parts.query))
        return 404, {"message": "Not Found"}

    def _graphql(self, query: str, variables: dict[str, Any]) -> Any:
        kind, login = self.viewer
        viewer = {"login": f"{login}[bot]" if kind == "Bot" else login}
        if "pullRequest(number: $number)" in query and "posts: comments(" in query:
            known = [
                (str(made), told)
                for made, told in self.comments.items()
                if told["pull"] == variables["number"]
            ]
            return {"data": {"viewer": viewer, "repository": {"place": self._posts(known, variables)}}}
        assert "posts: issues(" in query
        assert "states: OPEN" in query
        open_ones = [(made, told) for made, told in self.issues.items() if told["state"] == "open"]
        return {"data": {"viewer": viewer, "place": self._posts(open_ones, variables)}}

    def _posts(self, known: list[tuple[Any, dict[str, Any]]], variables: dict[str, Any]) -> Any:
        begin = int(variables["after"] or 0)
        nodes = [
            {
                "id": made,
                "body": told["body"],
                "author": _actor(told["author"]),
                "editor": _actor(told["editor"]),
            }
            for made, told in known[begin : begin + self.page]
        ]
        end = begin + len(nodes)
        return {
            "posts": {"nodes": nodes, "pageInfo": {"hasNextPage": end < len(known), "endCursor": str(end)}}
        }

    def _comment(self, number: str, *, sent: Any, **_: Any) -> tuple[int, Any]:
        return 201, {"id": self.comment(sent["body"], self.viewer, pull=int(number))}

    def _edit(self, made: str, *, sent: Any, **_: Any) -> tuple[int, Any]:
        if int(made) not in self.comments:
            return 404, {"message": "Not Found"}
        self.comments[int(made)] |= {"body": sent["body"], "editor": self.viewer}
        return 200, {"id": int(made)}

    def _delete(self, made: str, **_: Any) -> tuple[int, Any]:
        if self.comments.pop(int(made), None) is None:
            return 404, {"message": "Not Found"}
        return 204, None

    def _open(self, *, sent: Any, **_: Any) -> tuple[int, Any]:
        made = self.issue(sent["body"], self.viewer)
        self.issues[made]["title"] = sent["title"]
        return 201, {"number": made}

    def _change(self, made: str, *, sent: Any, **_: Any) -> tuple[int, Any]:
        if int(made) not in self.issues:
            return 404, {"message": "Not Found"}
        self.issues[int(made)] |= sent
        return 200, {"number": int(made)}

    def _pulls(self, sha: str, *, query: dict[str, list[str]], **_: Any) -> tuple[int, Any]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, self.pulls.get(sha, [])[size * (page - 1) : size * page]


@contextmanager
def serving(github: FakeGitHub) -> Iterator[FakeGitHub]:
    """The fake on a real socket of this machine, at ``github.url``."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer leaves at once, head and body

        def _do(self) -> None:
            method, path = self.command, self.path
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            github.calls.append((method, path))
            github.tokens.add(self.headers.get("Authorization"))
            fault = next((each for each in github.faults if each.fits(method, path)), None)
            sent = json.loads(raw) if raw else None
            if fault is None or fault.after:
                status, told = github.answer(method, path, sent)
            if fault is not None:
                fault.times -= 1
                if fault.meanwhile:
                    fault.meanwhile()
                status, told = fault.status, fault.body if fault.body is not None else {"message": "fault"}
                if not status:
                    self.close_connection = True
                    return
            body = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            for name, value in (fault.headers if fault else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    github.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()


def _actor(said: tuple[str, str] | None) -> Any:
    return None if said is None else {"__typename": said[0], "login": said[1]}
