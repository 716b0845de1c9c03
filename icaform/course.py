"""How far the work has come that a resource stands for, and the seam through which a kind tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from icaform.address import Address
from icaform.operation import Answer, Call, Steps
from icaform.state import Desired, Live, Observed, View


class Stage(Enum):
    """Where one piece of work stands, in a word for people; the first ones are not its end."""

    TO_START = "to be started"
    CREATING = "being created"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting for input"
    UNKNOWN = "unknown"  # a word of the server's that icaform does not know, so perhaps not its end
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FAILED_FINAL = "failed final"
    ABORTED = "aborted"
    NOT_CREATED = "not created"

    @property
    def bad(self) -> bool:
        """It came to an end, and not to the one that is wanted."""
        return self in (Stage.FAILED, Stage.FAILED_FINAL, Stage.ABORTED, Stage.NOT_CREATED)

    @property
    def open(self) -> bool:
        """It goes on by itself; what is not started does not."""
        return not self.bad and self not in (Stage.TO_START, Stage.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class Course:
    """One resource's work as it stands: its newest attempt alone.

    ``status`` is the server's own word, ``why`` what it says of a bad end, ``seconds`` how long it has run.
    ``scope`` and ``id`` name it on the server; both are empty where it is not there.
    """

    desired: Desired
    stage: Stage
    id: str = ""
    scope: str = ""
    status: str = ""
    why: str = ""
    attempt: int = 0
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """The resource that it is the work of."""
        return self.desired.address


@dataclass(frozen=True, slots=True)
class Yield:
    """One thing that the work has brought: under which name, what, and in which project. ``sort`` is FILE or
    FOLDER.
    """

    code: str
    id: str
    name: str
    sort: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class Pursuit:
    """How a kind whose resources stand for work follows it.

    ``look`` reads where the work of some resources stands, with as few calls as it can, and nothing else;
    ``course`` tells one resource's from what was read; ``ask`` is the call for what a work that has
    succeeded brought, ``brought`` reads its answer. KeyError, TypeError, AttributeError or IndexError where
    an answer lacks what the contract promises.
    """

    look: Callable[[Sequence[Desired], View], Steps[Observed]]
    course: Callable[[Desired, Live | None, View], Course]
    ask: Callable[[Course], Call]
    brought: Callable[[Answer], Sequence[Yield]]
