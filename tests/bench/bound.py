"""The bare bound: what an empty plan cannot cost less than, with none of icaform in it.

    python bound.py plan MANIFESTS BASE_URL PROJECT_ID     (the key in ICAV2_X_API_KEY)
    python bound.py events MANIFESTS

``plan`` reads the manifests by libyaml's events into plain values, with the line and column of every node,
fetches the project's pipelines in one HTTP call, and compares the statuses. It prints how many
differ. It resolves no numbers, knows no aliases and checks nothing: whatever a tool does for its users comes
on top. ``events`` only draws the events, and prints how many there are.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import sys
from array import array
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml.cyaml import CParser
from ruamel.yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

V4 = "application/vnd.illumina.v4+json"
KEY = object()
"""Stands where a mapping waits for its next key."""


def compose(data: bytes) -> tuple[list[Any], array[int]]:
    """The documents as dicts, lists and strings, and one packed ``line << 32 | column`` a node, in order."""
    get = CParser(data).get_event
    marks = array("Q")
    put = marks.append
    documents: list[Any] = []
    stack: list[tuple[Any, Any]] = []
    holder: Any = documents
    key: Any = None
    while True:
        event = get()
        kind = event.__class__
        if kind is ScalarEvent:
            mark = event.start_mark
            put(mark.line << 32 | mark.column)
            if key is KEY:
                key = event.value
            elif key is None:
                holder.append(event.value)
            else:
                holder[key] = event.value
                key = KEY
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            mark = event.start_mark
            put(mark.line << 32 | mark.column)
            opened: Any = {} if kind is MappingStartEvent else []
            if key is None:
                holder.append(opened)
                stack.append((holder, None))
            else:
                holder[key] = opened
                stack.append((holder, KEY))
            holder, key = opened, KEY if kind is MappingStartEvent else None
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            holder, key = stack.pop()
        elif kind is StreamEndEvent:
            return documents, marks
        elif kind is DocumentStartEvent or kind is DocumentEndEvent:
            holder, key = documents, None


def fetch(base_url: str, project_id: str) -> Any:
    """The project's pipelines, in one call."""
    parts = urlsplit(base_url)
    door = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = door(parts.netloc)
    headers = {"X-API-Key": os.environ["ICAV2_X_API_KEY"], "Accept": V4}
    connection.request("GET", f"{parts.path}/api/projects/{project_id}/pipelines", headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"the list of pipelines was answered with {answer.status}")
    return json.loads(answer.read())


def differences(documents: list[Any], listed: Any) -> int:
    """How many manifests want another status than the pipeline of their code has."""
    live = {item["pipeline"]["code"]: item["pipeline"]["statusAsString"] for item in listed["items"]}
    wanted = ((each["spec"]["select"]["code"], each["spec"]["status"]) for each in documents)
    return sum(live[code] != status for code, status in wanted)


def count_events(data: bytes) -> int:
    """How many events libyaml makes of the manifests."""
    get = CParser(data).get_event
    count = 1
    while get().__class__ is not StreamEndEvent:
        count += 1
    return count


def main(arguments: list[str]) -> None:
    """One of the two, as the docstring of the module says."""
    gc.disable()
    with open(arguments[1], "rb") as file:
        data = file.read()
    if arguments[0] == "events":
        print(count_events(data))
        return
    documents, marks = compose(data)
    assert len(marks) > len(documents)
    print(differences(documents, fetch(arguments[2], arguments[3])))


if __name__ == "__main__":
    main(sys.argv[1:])
