"""From a request to its answer, faults included; every request leaves one entry in the log."""

from __future__ import annotations

import gzip
import logging
from dataclasses import dataclass, field
from functools import lru_cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from . import control, request_log
from .admission import Admitted, admit, authenticate, find
from .call import Answer, Call
from .clock import Clock, iso
from .endpoints import Directory
from .faults import Fault, acting
from .idempotency import Keys, digest
from .line import hang_up
from .media import TYPES
from .problem import MEDIA_TYPE, Problem
from .record import Json
from .settings import Settings
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
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = Keys(self.world)
        self.directory = Directory(self.settings.api)

    def application(self) -> Starlette:
        doors = Mount("/_emulator", routes=control.routes(self))
        return Starlette(routes=[doors, Route("/{path:path}", self.serve, methods=METHODS)])

    async def serve(self, request: Request) -> Response:
        raw = await request.body()
        path = request.url.path.removeprefix(BASE)
        fault = acting(self.faults, request.method, path)
        entry: Json = {
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
            "fault": fault and (fault.do or "delay"),
        }
        try:
            answer = await self._with_fault(request, path, raw, entry, fault)
            entry["status"] = answer and answer.status
        finally:
            request_log.write(self.world, entry)
            self.world.commit()
        return await hang_up(request) if answer is None else _response(request, answer)

    async def _with_fault(
        self, request: Request, path: str, raw: bytes, entry: Json, fault: Fault | None
    ) -> Answer | None:
        """The answer, or None where the connection is to break instead."""
        if fault is None:
            return await self._answer(request, path, raw, entry, None)
        before_effect = fault.do == "drop_request" or (fault.do == "status" and fault.when == "before")
        if before_effect:
            await self.clock.sleep(fault.delay)
            answer = None
        else:
            answer = await self._answer(request, path, raw, entry, fault)
        if fault.do == "status":
            return fault.answer(self.clock.now(), request.method, str(request.url))
        return None if fault.do == "drop_answer" else answer

    async def _answer(
        self, request: Request, path: str, raw: bytes, entry: Json, fault: Fault | None
    ) -> Answer:
        now, headers = self.clock.now(), request.headers
        try:
            if not request.url.path.startswith(BASE):
                raise Problem(404, f"There is nothing at {request.url.path}.")
            endpoint, parameters = find(self.directory, request.method, path)
            user = authenticate(endpoint, self.world, headers, now)
            entry["user"] = user.id or None
            where = f"{request.method} {path}"
            admitted = admit(endpoint, parameters, user, headers, raw, where, self.settings.api)
            kept = self.keys.take(admitted.claim, now) if admitted.claim else None
            if kept is not None:
                entry["replayed"] = True
                return kept
            return await self._run(admitted, request, raw, entry, fault)
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
            writes = self.world.writes
            answer = admitted.endpoint.run(self._call(admitted, request, raw))
            entry["effect"] = self.world.writes > writes
            if answer.body:
                typed = {"Content-Type": TYPES[admitted.version], **answer.headers}
                answer = Answer(answer.status, answer.body, typed)
            if fault is not None and fault.when == "after":
                self.world.commit()
                await self.clock.sleep(fault.delay)
            if admitted.claim and (fault is None or fault.keeps_answer):
                self.keys.keep(admitted.claim, answer, self.clock.now())
            return answer
        finally:
            if admitted.claim:
                self.keys.release(admitted.claim)

    def _call(self, admitted: Admitted, request: Request, raw: bytes) -> Call:
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
        )


def _refused(problem: Problem, now: float, request: Request) -> Answer:
    body = problem.body(now, request.method, str(request.url))
    return Answer(problem.status, body, {"Content-Type": MEDIA_TYPE})


def _response(request: Request, answer: Answer) -> Response:
    body, headers = answer.body, dict(answer.headers)
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        body = _packed_once(body) if len(body) > WORTH_KEEPING_PACKED else _packed(body)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, answer.status, headers)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


# A long list is one object until something in it changes, and packing ten megabytes takes longer than sending
# them.
_packed_once = lru_cache(maxsize=4)(_packed)
