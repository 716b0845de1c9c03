"""POST /api/tokens and /api/tokens:refresh."""

from __future__ import annotations

from .call import Answer, Call, shown
from .problem import Problem
from .record import User
from .token import claims_of, mint, newcomer


def create_token(call: Call) -> Answer:
    user, method = newcomer(call.world, call.headers, call.query.get("tenant"), call.now)
    return _given(call, user, method)


def refresh_token(call: Call) -> Answer:
    token = call.headers["authorization"].partition(" ")[2].strip()
    method = claims_of(call.world, token, call.now)["amr"][0]
    if method == "api_key":
        raise Problem(403, "A JWT that was created with an API key cannot be refreshed.")
    return _given(call, call.user, method)


def _given(call: Call, user: User, method: str) -> Answer:
    settings = call.settings
    token = mint(call.world, user, method, call.now, settings.token_lifetime, settings.token_delay)
    return shown({"token": token})
