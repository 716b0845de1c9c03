"""The control door under /_emulator: what no user of ICA can do. No authentication, loopback only.

- ``GET /state``: counts, the clock, and every object with what the API cannot show
- ``POST /seed``: a document (see seed.py); answers ``{"seeded": {part: count}}``
- ``POST /reset``: ``{"demo"?: true, "seed"?: document}``; forgets everything but the clock, requests that
  hang in a delay too, then seeds again
- ``GET /clock``, ``POST /clock``: ``{"advance": seconds}``; answers ``{"now", "time", "clock"}``
- ``GET /requests?after=N``, ``DELETE /requests``: ``{"items": [entry]}``
- ``GET|POST|PUT|DELETE /faults``: ``{"items": [fault]}``; POST adds one or a list, PUT replaces
- ``GET|POST|PUT|DELETE /outcomes``: the same for outcomes of items and analyses
- ``GET|PUT /settings``: ``{duration, limit or lifetime: value}``; PUT changes those that it names
- ``POST /snapshot``: ``{"id"}``; ``POST /restore``: ``{"id"}`` brings everything back to that moment, the
  clock, the faults and the settings with it; ``DELETE /snapshot``: ``{"id"?}`` drops one, or all
- ``GET /traffic``: ``{"connections", "requests", "hanging", "writes", "now"}``: open sockets (the asker's is
  one of them), requests under way, how many wait for the clock, records written so far, and the clock
- ``GET /answers``: ``{"items": [{"endpoint", "key", "user", "digest", "status", "at"}]}``, kept under keys
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import demo, line, outcomes, request_log, schedule, snapshot
from .batches import item_states
from .clock import iso
from .pipelines import warm
from .progress import analysis_status, job
from .record import KINDS, Analysis, Batch, Json, Record
from .seed import seed
from .settings import CHANGEABLE
from .typed import typed
from .world import World, encode

if TYPE_CHECKING:
    from .application import Emulator

Door = Callable[["Emulator", Request, Any], Any]


def routes(emulator: Emulator) -> list[Route]:
    doors: dict[str, dict[str, Door]] = {
        "/state": {"GET": _state},
        "/seed": {"POST": _seed},
        "/reset": {"POST": _reset},
        "/clock": {"GET": _clock, "POST": _advance},
        "/requests": {"GET": _requests, "DELETE": _forget_requests},
        "/faults": {"GET": _faults, "POST": _add_faults, "PUT": _set_faults, "DELETE": _clear_faults},
        "/outcomes": {
            "GET": _outcomes,
            "POST": _add_outcomes,
            "PUT": _set_outcomes,
            "DELETE": _clear_outcomes,
        },
        "/settings": {"GET": _settings, "PUT": _set},
        "/snapshot": {"POST": _snapshot, "DELETE": _drop},
        "/restore": {"POST": _restore},
        "/traffic": {"GET": _traffic},
        "/answers": {"GET": _answers},
    }
    return [Route(path, _opened(emulator, verbs), methods=list(verbs)) for path, verbs in doors.items()]


def start(world: World, document: Json | None, now: float, with_demo: bool = True) -> dict[str, int]:
    """What a fresh state holds: the demo world, and on top of it the document."""
    counts = seed(world, demo.DEMO, now) if with_demo else {}
    if document:
        for part, count in seed(world, document, now).items():
            counts[part] = counts.get(part, 0) + count
    world.commit()
    return counts


def _opened(emulator: Emulator, verbs: dict[str, Door]) -> Callable[[Request], Awaitable[Response]]:
    async def open_door(request: Request) -> Response:
        raw = await request.body()
        try:
            answer = verbs[request.method.replace("HEAD", "GET")](emulator, request, json.loads(raw or b"{}"))
            answer = await answer if isawaitable(answer) else answer
        except (ValueError, TypeError, AttributeError) as wrong:
            return Response(encode({"error": str(wrong)}), 400, media_type="application/json")
        finally:
            emulator.world.commit()
        return Response(encode(answer), media_type="application/json")

    return open_door


def _clock(emulator: Emulator, request: Request, body: Json) -> Json:
    now = emulator.clock.now()
    return {"now": now, "time": iso(now), "clock": emulator.settings.clock}


async def _advance(emulator: Emulator, request: Request, body: Json) -> Json:
    await emulator.clock.advance(float(body["advance"] if "advance" in body else _missing("advance")))
    emulator.world.set_fact("clock_offset", emulator.clock.offset)
    return _clock(emulator, request, body)


def _seed(emulator: Emulator, request: Request, body: Json) -> Json:
    counts = seed(emulator.world, body, emulator.clock.now())
    warm(emulator.world, emulator.settings.api)
    return {"seeded": counts}


def _reset(emulator: Emulator, request: Request, body: Json) -> Json:
    emulator.clock.overtake()
    emulator.world.clear()
    emulator.faults.clear()
    emulator.keys.release_all()
    return {"seeded": start(emulator.world, body.get("seed"), emulator.clock.now(), body.get("demo", True))}


def _state(emulator: Emulator, request: Request, body: Json) -> Json:
    """Objects as they are now, not as readers see them. Of secrets only SHA-256 digests are ever kept."""
    world, now = emulator.world, emulator.clock.now()
    objects = {kind: [_shown(emulator, row, now) for row in world.all(KINDS[kind], now)] for kind in KINDS}
    return {
        "clock": _clock(emulator, request, body),
        "api": emulator.settings.api,
        "counts": {kind: len(rows) for kind, rows in objects.items()},
        "objects": objects,
    }


def _shown(emulator: Emulator, row: Record, now: float) -> Json:
    document: Json = {name: value for name, value in vars(row).items() if not _opens(name)}
    if isinstance(row, Analysis):
        document["status"] = analysis_status(row, emulator.settings, now)[0]
    if isinstance(row, Batch):
        document["status"] = job(row, emulator.settings, now)["status"]
        states = item_states(row, emulator.settings, now)
        pairs = zip(row.items, states, strict=True)
        document["items"] = [{**item, "status": status} for item, status in pairs]
    return document


def _opens(name: str) -> bool:
    return name in ("api_key_digest", "password_digest", "ps_token_digest")


def _requests(emulator: Emulator, request: Request, body: Json) -> Json:
    return {"items": request_log.entries(emulator.world, int(request.query_params.get("after", 0)))}


def _forget_requests(emulator: Emulator, request: Request, body: Json) -> Json:
    request_log.clear(emulator.world)
    return {"items": []}


def _faults(emulator: Emulator, request: Request, body: Any) -> Json:
    return {"items": [fault.show() for fault in emulator.faults]}


def _add_faults(emulator: Emulator, request: Request, body: Any) -> Json:
    emulator.faults.extend([schedule.read(fault) for fault in _listed(body)])
    return _faults(emulator, request, body)


def _set_faults(emulator: Emulator, request: Request, body: Any) -> Json:
    emulator.faults[:] = [schedule.read(fault) for fault in _listed(body)]
    return _faults(emulator, request, body)


def _clear_faults(emulator: Emulator, request: Request, body: Any) -> Json:
    emulator.faults.clear()
    return _faults(emulator, request, body)


def _outcomes(emulator: Emulator, request: Request, body: Any) -> Json:
    return {"items": emulator.world.fact("outcomes") or []}


def _add_outcomes(emulator: Emulator, request: Request, body: Any) -> Json:
    known = emulator.world.fact("outcomes") or []
    return _set_outcomes(emulator, request, known + _listed(body))


def _set_outcomes(emulator: Emulator, request: Request, body: Any) -> Json:
    for rule in _listed(body):
        typed(outcomes.read(rule))
    emulator.world.set_fact("outcomes", _listed(body))
    return _outcomes(emulator, request, body)


def _clear_outcomes(emulator: Emulator, request: Request, body: Any) -> Json:
    return _set_outcomes(emulator, request, [])


def _settings(emulator: Emulator, request: Request, body: Json) -> Json:
    return {name: getattr(emulator.settings, name) for name in CHANGEABLE}


def _set(emulator: Emulator, request: Request, body: Json) -> Json:
    unknown = set(body) - set(CHANGEABLE)
    if unknown:
        raise ValueError(f"cannot be changed: {', '.join(sorted(unknown))}")
    kinds = {name: type(value) for name, value in _settings(emulator, request, body).items()}
    wanted: dict[str, Any] = {name: kinds[name](value) for name, value in body.items()}
    emulator.settings = replace(emulator.settings, **wanted)
    return _settings(emulator, request, body)


def _snapshot(emulator: Emulator, request: Request, body: Json) -> Json:
    emulator.snapshots_taken += 1
    emulator.snapshots[emulator.snapshots_taken] = snapshot.take(emulator)
    return {"id": emulator.snapshots_taken}


def _restore(emulator: Emulator, request: Request, body: Json) -> Json:
    identity = body["id"] if "id" in body else _missing("id")
    if identity not in emulator.snapshots:
        raise ValueError(f"there is no snapshot {identity}")
    snapshot.restore(emulator, emulator.snapshots[identity])
    return {"id": identity}


def _drop(emulator: Emulator, request: Request, body: Json) -> Json:
    gone = [body["id"]] if "id" in body else list(emulator.snapshots)
    return {"dropped": sum(emulator.snapshots.pop(identity, None) is not None for identity in gone)}


def _traffic(emulator: Emulator, request: Request, body: Json) -> Json:
    return {
        "connections": line.connections(),
        "requests": emulator.under_way,
        "hanging": emulator.clock.sleepers,
        "writes": emulator.world.writes,
        "now": emulator.clock.now(),
    }


def _answers(emulator: Emulator, request: Request, body: Json) -> Json:
    return {"items": emulator.keys.kept(emulator.clock.now())}


def _listed(body: Any) -> list[Json]:
    return body if isinstance(body, list) else body.get("items", [body])


def _missing(name: str) -> Any:
    raise ValueError(f"{name} is missing")
