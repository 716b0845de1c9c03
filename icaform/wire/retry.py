"""When a call may be sent again, and after how long. Pure."""

from __future__ import annotations

from random import Random

from icaform.operation import Call, Problem, Repeat
from icaform.wire.answer import clean
from icaform.wire.problem import BadAnswer, RateLimited, ServerFault, WireError

LONGEST_RETRY_AFTER = 120.0
NOT_LET_IN = frozenset({401, 403})
"""Who is asked for another token, or turned away, is so before anything is done, whoever does it."""
GIVEN_UP = frozenset({408, 421, 425, 499})
"""Of these none is a verdict on what was asked: too late, the wrong server, too early, nobody listens."""
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 30.0


def harmless(call: Call) -> bool:
    """Whether a second arrival of the call changes nothing more than the first."""
    return call.repeat in (Repeat.READ, Repeat.SAME)


def may_repeat(call: Call, error: WireError) -> bool:
    """Whether the wire may send the call again by itself after this error.

    Calls whose repeat does harm only when it is certain that the server did nothing: the request never
    left, or 429. A 5xx is never certain (SAFETY: it may have had its effect).
    """
    return error.passing and (error.certain or harmless(call))


def refusal(call: Call, status: int, problem: Problem, retry_after: float | None) -> WireError | None:
    """The error that a status stands for, or None where the answer is for the kind to judge."""
    said = str(problem)
    if status == 429:
        return RateLimited(call, f"too many calls: {said}", problem=problem, retry_after=retry_after)
    if status == 503 and harmless(call):
        return RateLimited(call, said, problem=problem, certain=False, retry_after=retry_after)
    if status >= 500:
        return ServerFault(call, f"ICA failed: {said}", problem=problem, retry_after=retry_after)
    if status >= 400 and not (harmless(call) or judged(problem)):
        return BadAnswer(call, f"an answer, it seems, of what stands before ICA: {said}", problem=problem)
    return None


def judged(problem: Problem) -> bool:
    """Whether a 4xx surely says that nothing was done: ICA looked at the request, or nobody was let in.

    A gateway may give a request up that ICA goes on with, and says so in its own words.
    """
    return problem.status in NOT_LET_IN or (problem.own and problem.status not in GIVEN_UP)


def backoff(attempt: int, random: Random) -> float:
    """Seconds before the next try after ``attempt`` failed ones: exponential with full jitter."""
    ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(attempt - 1, 10))
    return random.uniform(0.0, ceiling)


def retry_after(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or an HTTP date), at most 120; None if neither.

    ICA documents no Retry-After; its clients cap it at 120 s.
    """
    text = clean(value, 60)
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    date = moment(text)
    return None if date is None else max(0.0, min(date - now, LONGEST_RETRY_AFTER))


def moment(value: str) -> float | None:
    """An HTTP date in seconds since the epoch; None where it is none."""
    from datetime import UTC  # rare, and email.utils is slow to load
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(clean(value, 60))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
