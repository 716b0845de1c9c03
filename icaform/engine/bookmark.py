"""A bookmark in the journal, kept outside the workspace: how far this machine has written it.

A journal that was restored from a backup or a cache, or that is another checkout's, knows the workspace and
not its last run. So it is believed to be the last one only where it holds the entry that the bookmark names.
A bookmark that cannot be kept, read or trusted is none: that costs a wait, and never more.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from functools import cached_property
from pathlib import Path

from icaform.disk import private
from icaform.engine.world import World
from icaform.journal.store import Store
from icaform.operation import digest

_LARGEST = 100
_WORDS = re.compile(r"([0-9]{1,18}) ([0-9a-f]{64})\n")
_NONE = "no bookmark on this machine tells that the journal is the last one (in PostgreSQL it needs none)"
_ANOTHER = "the journal lacks what this machine wrote last: it was restored, or there is another one"


class Bookmark:
    """That of one server, tenant and workspace, or none where ``whose`` is None. For any thread."""

    def __init__(self, world: World, store: Store, whose: tuple[str, str, str] | None) -> None:
        self._world = world
        self._store = store
        self._whose = whose
        self._lock = threading.Lock()
        self._asked = self._told = False
        self._known: tuple[int, str] | None = None
        self._put = 0

    @cached_property
    def _file(self) -> Path | None:
        """ICAFORM_STATE_DIR, or the user's state folder. Empty: none is kept."""
        if self._whose is None:
            return None
        named = self._world.environ.get("ICAFORM_STATE_DIR")
        if named is None:
            from platformdirs import user_state_path

            folder = user_state_path("icaform", appauthor=False)
        elif named:
            folder = Path(named)
        else:
            return None
        return folder / f"{digest(self._whose)}.bookmark"

    def doubt(self) -> str:
        """Why the journal may lack what this machine did last; empty where it surely does not."""
        self._asked, self._known = True, self._read()
        if self._known is None:
            return "" if self._store.shared else _NONE
        if self._store.holds(*self._known):
            return ""
        return _ANOTHER

    def moved(self) -> bool:
        """Whether a run with another journal has begun to make something since it was asked for a doubt."""
        # Not while our own is being put, or what was there before would seem to be another's.
        with self._lock:
            found = self._read() if self._asked else None
            return found is not None and found != self._known and not self._store.holds(*found)

    def put(self, number: int) -> None:
        """Note durably how far the journal is written, at least to that entry, before its call leaves."""
        with self._lock:
            if self._file is None or number <= self._put:
                return
            last = self._store.last()
            try:
                private.keep(self._file, "{} {}\n".format(*last))
            except OSError as error:
                # An earlier one would be taken for the last.
                with contextlib.suppress(OSError):
                    self._file.unlink()
                self._tell(f"{self._file} cannot be written ({error.strerror or type(error).__name__})")
                return
            self._known, self._put = last, last[0]

    def _tell(self, why: str) -> None:
        if not self._store.shared and not self._told:
            self._told = True
            self._world.progress("note", f"{why}: the next apply will wait before it makes anything")

    def _read(self) -> tuple[int, str] | None:
        if self._file is None:
            return None
        try:
            found = _WORDS.fullmatch(private.kept(self._file, _LARGEST))
        except (OSError, ValueError):
            return None
        # Where the last run could not write, an earlier one's is left.
        return (int(found[1]), found[2]) if found and os.access(self._file.parent, os.W_OK) else None
