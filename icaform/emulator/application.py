"""From a request to its answer, faults included; every request leaves one entry in the log."""

from __future__ import annotations

import asyncio
import gzip
import logging
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from . import control, request_log
from .admission import Admitted, admit, authenticate, find
from .call import Answer, Call
from .clock import Clock, Overtaken, iso
from .endpoints import Directory
from .faults import Fault
from .idempotency import Keys, digest
from .limiter import Limiter
from .line import cut, hang_up
from .meddling import meddle
from .media import TYPES
from .problem import MEDIA_TYPE, Problem, overload
from .record import Json
from .schedule import Mishap, acting
from .settings import Settings
from .snapshot import Snapshot
from .token import revoke
from .world import World

logger = logging.getLogger("icaform.emulator")
BASE = "/ica/rest"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
WORTH_PACKING = 1024
WORTH_KEEPING_PACKED = 1 << 20


@dataclass
class Emulator:
    """The world, its clock and its faults, served as one ASGI application on one event loop."""

    world: World
    clock: Clock
    settings: Settings
    faults: list[Mishap] = field(default_factory=list)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    snapshots_taken: int = 0
    under_way: int = 0

    def __post_init__(self) -> None:
        self.keys = Keys(self.world)
        self.directory = Directory(self.settings.api)
        self._limiter = Limiter(self.settings)
        self._twins: set[asyncio.Task[None]] = set()

    def application(self) -> Starlette:
        doors = Mount("/_emulator", routes=control.routes(self))
        return Starlette(routes=[doors, Route("/{path:path}", self.serve, methods=METHODS)])

    async def serve(self, request: Request) -> Response:
        raw = await request.body()
        path = request.url.path.removeprefix(BASE)
        refused = self._over_the_limit(request)
        fault = None if refused else acting(self.faults, request.method, path)
        entry = self._entry(request, path, raw, fault)
        self.under_way += 1
        try:
            answer = refused or await self._with_fault(request, path, raw, entry, fault)
            entry["status"] = answer and answer.status
        except Overtaken:
            return await hang_up(request)
        finally:
            self.under_way -= 1
        request_log.write(self.world, entry)
        self.world.commit()
        if answer is None:
            return await hang_up(request)
        if fault is not None and fault.do in ("cut_answer", "truncate"):
            return await _mangled(request, answer, fault)
        return _response(request, answer, self.clock.now())

    def _over_the_limit(self, request: Request) -> Answer | None:
        if self._limiter.settings is not self.settings:
            self._limiter = Limiter(self.settings)
        now = self.clock.now()
        pause = self._limiter.pause(now)
        if pause is None:
            return None
        answer = _refused(overload(429), now, request)
        return Answer(answer.status, answer.body, {**answer.headers, **self._limiter.headers(pause, now)})

    def _entry(self, request: Request, path: str, raw: bytes, fault: Fault | None) -> Json:
        return {
            "time": iso(self.clock.now()),
            "method": request.method,
            "path": path,
            "query": request.url.query,
            "status": None,
            "idempotencyKey": request.headers.get("idempotency-key"),
            "user": None,
            "bodyDigest": digest(raw),
            "replayed": False,
            "effect": False,
            "fault": fault and fault.name,
        }

    async def _with_fault(
        self, request: Request, path: str, raw: bytes, entry: Json, fault: Fault | None
    ) -> Answer | None:
        """The answer, or None where the connection is to break instead."""
        if fault is None:
            return await self._answer(request, path, raw, entry, None)
        if fault.spares:
            await self.clock.sleep(fault.delay)
            answer = None
        else:
            answer = await self._answer(request, path, raw, entry, fault)
        if fault.do == "status":
            return fault.answer(self.clock.now(), request.method, str(request.url))
        return None if fault.silent else answer

    async def _answer(
        self, request: Request, path: str, raw: bytes, entry: Json, fault: Fault | None
    ) -> Answer:
        now, headers = self.clock.now(), request.headers
        try:
            if not request.url.path.startswith(BASE):
                raise Problem(404, f"There is nothing at {request.url.path}.")
            endpoint, parameters = find(self.directory, request.method, path)
            if fault is not None and fault.do == "stale_token" and endpoint.auth != "newcomer":
                revoke(self.world, headers, now)
            user = authenticate(endpoint, self.world, headers, now)
            entry["user"] = user.id or None
            where = f"{request.method} {path}"
            admitted = admit(endpoint, parameters, user, headers, raw, where, self.settings.api)
            kept = self.keys.take(admitted.claim, now) if admitted.claim else None
            if kept is not None:
                entry["replayed"] = True
                return kept
            if fault is not None and fault.do == "twin":
                self._let_twin_run(admitted, request, raw, entry, fault)
                raise Problem(409, "The original call is still in progress.")
            return await self._run(admitted, request, raw, entry, fault)
        except Overtaken:
            raise
        except Problem as problem:
            return _refused(problem, self.clock.now(), request)
        except Exception:
            # A mistake of the emulator must be seen, and not look like an answer that ICA meant.
            logger.exception("the emulator failed at %s %s", request.method, path)
            return _refused(
                Problem(500, "The emulator itself failed.", "EMULATOR_BUG"), self.clock.now(), request
            )

    async def _run(
        self, admitted: Admitted, request: Request, raw: bytes, entry: Json, fault: Fault | None
    ) -> Answer:
        """Have the effect, keep the answer if a key asks for it, and give the key back whatever happens."""
        try:
            if fault is not None and fault.when == "before":
                await self.clock.sleep(fault.delay)
            call = self._call(admitted, request, raw, fault)
            if fault is not None:
                meddle(fault, call)
            writes = self.world.writes
            answer = admitted.endpoint.run(call)
            entry["effect"] = self.world.writes > writes
            if answer.body:
                typed = {"Content-Type": TYPES[admitted.version], **answer.headers}
                answer = Answer(answer.status, answer.body, typed)
            if fault is not None and fault.when == "after":
                # Written down at once: whoever reads the log while this one hangs must see what it did.
                request_log.write(self.world, entry)
                self.world.commit()
                await self.clock.sleep(fault.delay)
            if admitted.claim and (fault is None or fault.keeps_answer):
                self.keys.keep(admitted.claim, answer, self.clock.now())
            return answer
        finally:
            if admitted.claim:
                self.keys.release(admitted.claim)

    def _let_twin_run(
        self, admitted: Admitted, request: Request, raw: bytes, entry: Json, fault: Fault
    ) -> None:
        """Have the effect later, beside this request, which holds the key until then."""

        twin = dict(entry)

        async def run() -> None:
            try:
                await self.clock.sleep(fault.delay)
                twin["status"] = (await self._run(admitted, request, raw, twin, None)).status
            except Problem as problem:
                twin["status"] = problem.status
            except Overtaken:
                return
            request_log.write(self.world, twin)
            self.world.commit()

        task = asyncio.get_running_loop().create_task(run())
        self._twins.add(task)
        task.add_done_callback(self._twins.discard)

    def _call(self, admitted: Admitted, request: Request, raw: bytes, fault: Fault | None) -> Call:
        return Call(
            world=self.world,
            settings=self.settings,
            now=self.clock.now(),
            user=admitted.user,
            path=admitted.path,
            query=request.query_params,
            headers=request.headers,
            version=admitted.version,
            body=admitted.body(raw),
            **({} if fault is None else fault.bearing),
        )


def _refused(problem: Problem, now: float, request: Request) -> Answer:
    body = problem.body(now, request.method, str(request.url))
    return Answer(problem.status, body, {"Content-Type": MEDIA_TYPE})


async def _mangled(request: Request, answer: Answer, fault: Fault) -> Response:
    """The answer as far as it gets; one without a body has nothing to lose but its head."""
    half = answer.body[: len(answer.body) // 2]
    if fault.do == "cut_answer":
        return await cut(request, answer.status, answer.headers, answer.body, reset=True)
    if fault.length == "wrong" and answer.body:
        return await cut(request, answer.status, answer.headers, answer.body, reset=False)
    return Response(half, answer.status, dict(answer.headers))


def _response(request: Request, answer: Answer, now: float) -> Response:
    body, headers = answer.body, {**answer.headers, "Date": _date(int(now))}
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        body = _packed_once(body) if len(body) > WORTH_KEEPING_PACKED else _packed(body)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, answer.status, headers)


@lru_cache(maxsize=16)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


# A long list is one object until something in it changes, and packing ten megabytes takes longer than sending
# them.
_packed_once = lru_cache(maxsize=4)(_packed)
