"""One apply of a workspace at a time: its lease, held while it runs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.engine.run import Run
from icaform.journal.store import Lease, LeaseHeld, Store

PARTING = 1.0
"""Seconds that giving the lease back may take: a stopped run is gone within five, wherever its journal is."""
LEASE = 300.0
"""Seconds after which the lease of a run that died is free; a living run renews it well before."""
FUTURE = 2 * LEASE
"""Seconds from now after which no living run's lease ends, unless its clock is far ahead: it proves nothing.
Should that run live all the same, it begins nothing more once another has its lease."""
PROVED = 5.0
"""Seconds for which the journal is believed that the lease is ours; a call that waits longer asks again."""


@contextmanager
def lease(run: Run, holder: str, run_url: str, lost: Callable[[], None]) -> Iterator[None]:
    """Hold the workspace's one lease; Rejected where another run has it.

    ``holder`` is as ``myself`` says it: a run of this machine whose process is gone holds nothing.
    ``lost`` is called should another run take it. The run is told how to make sure that it still has it: a
    machine may have slept for longer than any lease, and one whose clock is wrong takes a lease that lives.
    """
    clock, store = run.world.clock, run.store
    held = store.acquire(holder, run_url, clock.now(), LEASE)
    if isinstance(held, LeaseHeld) and (gone(held.holder) or held.expires > clock.now() + FUTURE):
        # Taken as if it had ended; of two who see this at once, the store gives it to one.
        held = store.acquire(holder, run_url, max(clock.now(), held.expires), LEASE)
        if isinstance(held, Lease):
            store.renew(held, clock.now(), LEASE)
    if isinstance(held, LeaseHeld):
        where = f" ({held.run_url})" if held.run_url else ""
        raise Rejected(
            [
                Diagnostic(
                    Code.LOCKED,
                    f"{held.holder}{where} is applying this workspace; its lease ends in "
                    f"{max(0.0, held.expires - clock.now()):.0f} s unless renewed",
                    "wait for that run; if it is dead, its lease ends by itself",
                )
            ]
        )
    over = threading.Event()
    proved = clock.now()

    def renewed() -> bool:
        nonlocal proved
        now = clock.now()
        if not store.renew(held, now, LEASE):
            return False
        proved = now
        return True

    def holds() -> bool:
        if clock.now() - proved < PROVED:
            return True
        try:
            return renewed()
        except Rejected:  # the journal cannot be asked: what is begun next will tell
            return clock.now() - proved < LEASE

    def beat() -> None:
        while not over.wait(LEASE / 5):
            # A renewal that fails is tried again. A lease that another run took ends this one.
            with suppress(Rejected):
                if not renewed():
                    run.world.progress("note", "another run has taken this workspace's lease")
                    lost()
                    return

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    run.hold(held, holds)
    try:
        yield
    finally:
        over.set()
        thread.join(PARTING / 2)
        # What was applied stays applied; a lease that cannot be given back soon ends by itself.
        giving = threading.Thread(target=_give_back, args=(store, held), name="release", daemon=True)
        giving.start()
        giving.join(PARTING)


def _give_back(store: Store, held: Lease) -> None:
    with suppress(Rejected):
        store.release(held)


def myself() -> str:
    """This process, as the holder of a lease."""
    return f"{_place() or socket.gethostname()}:{os.getpid()}"


def _place() -> str:
    """Where a process number means a process: a host, as it was started, and a namespace of it.

    Machines that CI makes share their names, and the number of the first namespace is the same on all Linux.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except (OSError, ValueError):
        return ""
    return f"{socket.gethostname()}/{boot}/{namespace}"


def gone(holder: str) -> bool:
    """Whether a holder was a process of this machine that does not run any more."""
    place, _, number = holder.rpartition(":")
    if not place or place != _place() or not number.isdecimal() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
