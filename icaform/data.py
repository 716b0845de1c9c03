"""How a manifest points at data: by ICA's id, by an urn, or by ``icav2://project/path``.

An id costs no call, nor does an urn, which holds one. A URI is taken as it stands, with no percent-decoding,
as ICA's other clients write it; a slash at its end means a folder. ICA is asked for as many paths at once as
fit one URL, so that a thousand files cost some twenty calls and not a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic_core import PydanticCustomError

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.operation import Call, Json, RefusedByServer, Steps
from icaform.reference import SHOWN, V3, brief, project, promised, several

SCHEME = "icav2://"
LONGEST_URL = 2000
"""Characters of a URL with filters by name that ICA takes, by what its users report; none are documented."""
AROUND = 220
"""What of these is kept for the server's name, the project, the match mode and the page."""
LONGEST_PATH = LONGEST_URL - AROUND - len("filePath=&")
"""Characters of a quoted path: a longer one could not be asked for."""
LONGEST_ID = 255
"""ICA, Data.id."""
EXPLAINED = 200
"""For how many paths that are not found the file, or folder, of the same name is looked for."""
MATCH = ("filePathMatchMode", "FULL_CASE_INSENSITIVE")
"""ICA has no way to match a path with its letter case, so the rows of an answer are matched again."""
REMEDIES = {
    "PARTIAL": "wait until its upload has ended, or upload it again",
    "ARCHIVING": "unarchive it in ICA once it is archived",
    "ARCHIVED": "unarchive it in ICA",
    "UNARCHIVING": "wait until it is unarchived, then plan again",
    "DELETING": "name other data",
}
"""What to do about data that cannot be read (ICA, DataDetails.status); AVAILABLE and new words are read."""
GONE = "DELETING"

_URN = re.compile(r"urn:ilmn:ica:(?:region:[^:/#\s]+:)?data:(?P<id>[^:/#\s]+)(?:#.*)?", re.DOTALL)
"""ICA, Data.urn; the path behind the hash is a hint for people."""
_NO_ID = re.compile(r"[:/\s]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no text holds: controls, line breaks and halves of a pair."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A file, or a folder, of a project. ``path`` begins with a slash and does not end with one."""

    text: str
    project: str
    path: str
    folder: bool

    @property
    def asked(self) -> str:
        """The path as ICA spells it: that of a folder ends with a slash."""
        return self.path + "/" if self.folder else self.path

    @property
    def other(self) -> str:
        """The path of the folder of a file's name, or of the file of a folder's."""
        return self.path if self.folder else self.path + "/"

    def __str__(self) -> str:
        what = "folder" if self.folder else "file"
        return f"{what} {brief(self.path)!r} in project {brief(self.project)!r}"


@dataclass(frozen=True, slots=True)
class Datum:
    """What a URI was found to mean."""

    id: str
    status: str


def meant(text: str) -> str | Uri:
    """The id that a text is or holds, or the URI that it is; PydanticCustomError where it is neither."""
    if text.startswith(SCHEME):
        return _uri(text)
    urn = _URN.fullmatch(text)
    if urn is None and text.startswith("urn:"):
        raise _bad("is no urn of data", "write urn:ilmn:ica:region:<region>:data:<id>, as ICA shows it")
    identity = urn["id"] if urn else text
    if urn is None and _NO_ID.search(text):
        remedy = "write fil.…, fol.…, an urn, or icav2://project/path; files outside ICA are external data"
        raise _bad("is neither an id of data nor icav2://project/path", remedy)
    if not identity or len(identity) > LONGEST_ID or _CONTROL.search(identity):
        raise _bad("is no id of data", f"write ICA's id: fil.… or fol.…, at most {LONGEST_ID} characters")
    return identity


def named(text: str) -> str:
    """The text, if it can name data; PydanticCustomError where not."""
    meant(text)
    return text


def folder(text: str) -> str:
    """The text, if it can name a folder; PydanticCustomError where not."""
    found = meant(text)
    if isinstance(found, Uri) and not found.folder:
        raise _bad("must be that of a folder", "end it with a slash")
    return text


def unusable(found: Datum, uri: Uri, *, written: bool) -> Diagnostic | None:
    """Why data cannot be read or, with ``written``, a folder not be written to, if its status tells."""
    if found.status not in REMEDIES or (written and found.status != GONE):
        return None
    return Diagnostic(Code.BAD_VALUE, f"the {uri} is {found.status}", REMEDIES[found.status])


def resolve(uris: Collection[Uri]) -> Steps[Mapping[Uri, Datum | Diagnostic]]:
    """What each URI means, or why that cannot be told.

    All projects are asked at once, and a second time for those URIs that are not found, so that the error can
    say what stands there instead.
    """
    places: dict[str, str] = {}
    told: dict[Uri, Datum | Diagnostic] = {}
    for name in sorted({uri.project for uri in uris}):
        try:
            places[name] = yield from project(name)
        except Rejected as rejected:
            told |= {uri: rejected.diagnostics[0] for uri in uris if uri.project == name}
    asked = sorted((uri for uri in uris if uri not in told), key=lambda uri: uri.text)
    shelves = {places[uri.project]: _Shelf() for uri in asked}
    yield from _fill(shelves, [(places[uri.project], uri.asked) for uri in asked])
    lost = [uri for uri in asked if not shelves[places[uri.project]].find(uri)]
    yield from _fill(shelves, [(places[uri.project], uri.other) for uri in lost[:EXPLAINED]])
    return told | {uri: shelves[places[uri.project]].only(uri) for uri in asked}


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The rows that one project has shown, by their paths without regard to letter case."""

    rows: dict[str, dict[str, Json]] = field(default_factory=dict)

    def put(self, rows: Iterable[Json]) -> None:
        for row in rows:
            data = row["data"]
            path = _path(data.get("details") or {})
            self.rows.setdefault(path.lower(), {})[promised(data["id"])] = data

    def find(self, uri: Uri) -> list[Json]:
        """All that is just there, and is what it should be."""
        return [row for row in self._near(uri) if _path(row["details"]) == uri.path and _fits(row, uri)]

    def only(self, uri: Uri) -> Datum | Diagnostic:
        rows = self.find(uri)
        if len(rows) == 1:
            return Datum(rows[0]["id"], str(rows[0]["details"].get("status")))
        if rows:
            shown = [f"{brief(row['id'])} of {brief(_owner(row))!r}" for row in rows[:SHOWN]]
            summary = f"{len(rows)} data are the {uri}: {several(shown, len(rows))}"
            return Diagnostic(Code.AMBIGUOUS, summary, "write the id of the one that is meant")
        return Diagnostic(Code.NOT_FOUND, f"there is no {uri}", self._remedy(uri))

    def _near(self, uri: Uri) -> list[Json]:
        return list(self.rows.get(uri.path.lower(), {}).values())

    def _remedy(self, uri: Uri) -> str:
        rows = self._near(uri)
        if any(_path(row["details"]) == uri.path for row in rows):
            if uri.folder:
                return "it is a file: write it without the slash at its end"
            return "it is a folder: end it with a slash"
        if rows:
            slash = "/" if uri.folder else ""
            return f"did you mean `{SCHEME}{uri.project}{_path(rows[0]['details'])}{slash}`?"
        if "%" in uri.path:
            return "a path is taken as it stands: write %20 as the space, and so on"
        return "correct the path, or the project: what lies in another one is named by that one"


def _fill(shelves: Mapping[str, _Shelf], asked: Iterable[tuple[str, str]]) -> Steps[None]:
    """Ask for these paths of projects, and put what is there on its shelf."""
    paths: dict[str, list[str]] = {}
    for place, path in asked:
        paths.setdefault(place, []).append(path)
    calls = [(place, call) for place, each in sorted(paths.items()) for call in _calls(place, each)]
    if not calls:
        return
    answers = yield tuple(call for _, call in calls)
    for (place, call), answer in zip(calls, answers, strict=True):
        if answer.problem:
            raise RefusedByServer(call, answer.problem)
        shelves[place].put(answer.body["items"])


def _calls(project_id: str, paths: Sequence[str]) -> Iterator[Call]:
    """As few calls as these paths fit in, in their order."""
    chunk: list[str] = []
    length = 0
    for path in dict.fromkeys(paths):
        more = len("filePath=&") + len(quote(path, safe=""))
        if chunk and length + more > LONGEST_URL - AROUND:
            yield _call(project_id, chunk)
            chunk, length = [], 0
        chunk.append(path)
        length += more
    if chunk:
        yield _call(project_id, chunk)


def _call(project_id: str, paths: Sequence[str]) -> Call:
    query = (*(("filePath", path) for path in paths), MATCH)
    return Call("GET", f"/api/projects/{quote(project_id, safe='')}/data", V3, query=query, paged=True)


def _path(details: Json) -> str:
    """The path of a row without a slash at its end.

    ICA calls it "the user friendly path of the parent of this data", and gives that of the data itself.
    """
    path, name = str(details.get("path") or "").rstrip("/"), str(details.get("name") or "")
    return path if name in ("", path.rpartition("/")[2]) else f"{path}/{name}"


def _fits(row: Json, uri: Uri) -> bool:
    return bool(row["details"].get("dataType") == "FOLDER") == uri.folder


def _owner(row: Json) -> str:
    return str(row["details"].get("owningProjectName") or row["details"].get("owningProjectId"))


def _uri(text: str) -> Uri:
    place, slash, path = text[len(SCHEME) :].partition("/")
    parts = path.removesuffix("/").split("/")
    if _CONTROL.search(text):
        raise _bad("has a character that is none of a text", "remove control characters and line breaks")
    if not place.strip() or not slash or not path.strip("/"):
        raise _bad(
            "lacks a project or a path", "write icav2://project/path/to/file, or end it with / for a folder"
        )
    if any(part in ("", ".", "..") for part in parts):
        raise _bad("has an empty part, `.` or `..` in its path", "write the path as ICA shows it")
    if len(quote(path, safe="")) > LONGEST_PATH:
        raise _bad(f"is longer than {LONGEST_PATH:,} characters in a URL", "write the id of the data")
    return Uri(text, place, "/" + "/".join(parts), path.endswith("/"))


def _bad(what: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(
        "bad-value", "this name of data {what}\n{remedy}", {"what": what, "remedy": remedy}
    )
