"""Who is calling: API keys, passwords, psTokens, and the JWTs minted from them.

The tokens are HS256, signed with a key of this state file, with the claims that ICA's carry: aud "ica", sub
(user), tid and tns (tenant), iat, nbf, exp, iss. `amr` says what a token was minted from; ICA refuses to
refresh one made from an API key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from .problem import Problem, unauthorized
from .record import Tenant, User
from .world import World, encode, stable_id

ISSUER = "icaform-emulator"
HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def mint(world: World, user: User, method: str, now: float, lifetime: int, delay: float = 0.0) -> str:
    tenant, number = world.get(Tenant, user.tenant_id, now), int(world.fact("tokens") or 0) + 1
    world.set_fact("tokens", number)
    claims = {
        "iss": ISSUER,
        "aud": "ica",
        "sub": user.id,
        "tid": user.tenant_id,
        "tns": tenant.name if tenant else "",
        "iat": int(now),
        "nbf": int(now + delay),
        "exp": int(now) + lifetime,
        "amr": [method],
        "jti": stable_id("token", str(number)),
    }
    payload = HEADER + b"." + _b64(encode(claims).encode())
    return (payload + b"." + _b64(_signature(world, payload))).decode()


def claims_of(world: World, token: str, now: float) -> dict[str, Any]:
    try:
        payload, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_unb64(signature), _signature(world, payload.encode())):
            raise ValueError
        claims: dict[str, Any] = json.loads(_unb64(payload.split(".")[1]))
    except (ValueError, IndexError, UnicodeEncodeError):
        raise unauthorized("The JWT is not valid.") from None
    if claims.get("jti") in (world.fact("revoked") or ()):
        raise unauthorized("The JWT is not valid any more.")
    if now < claims["nbf"]:
        raise unauthorized("The JWT is not valid yet.")
    if now >= claims["exp"]:
        raise unauthorized("The JWT has expired.")
    return claims


def caller(world: World, headers: Mapping[str, str], now: float, jwt_only: bool = False) -> User:
    """The user behind a session: a JWT where one is sent, else an API key."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = world.get(User, claims_of(world, token.strip(), now)["sub"], now)
        if user is None:
            raise unauthorized("The user of this JWT does not exist.")
        return user
    if jwt_only or "x-api-key" not in headers:
        raise unauthorized("A JWT or an API key is required.")
    return _owner_of(world, "api_key_digest", headers["x-api-key"], now)


def revoke(world: World, headers: Mapping[str, str], now: float) -> None:
    """Let the JWT of a request count no more; an API key, which cannot be revoked, is refused this once."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized("The credentials are not valid.")
    claims = claims_of(world, token.strip(), now)
    world.set_fact("revoked", [*(world.fact("revoked") or ()), claims["jti"]])


def newcomer(world: World, headers: Mapping[str, str], tenant: str | None, now: float) -> tuple[User, str]:
    """The user asking for a first token, and by what means: api_key, password or ps_token."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if "x-api-key" in headers:
        return _owner_of(world, "api_key_digest", headers["x-api-key"], now), "api_key"
    if scheme.lower() == "bearer":
        return _owner_of(world, "ps_token_digest", rest.strip(), now), "ps_token"
    if scheme.lower() == "basic":
        return _member(world, rest, tenant, now), "password"
    raise unauthorized("An API key, Basic authentication or a psToken is required.")


def signing_key(world: World) -> bytes:
    key = world.fact("signing_key")
    if key is None:
        key = secrets.token_hex(32)
        world.set_fact("signing_key", key)
    return bytes.fromhex(key)


def _owner_of(world: World, field: str, secret: str, now: float) -> User:
    wanted = digest(secret)
    for user in world.all(User, now):
        if secret and hmac.compare_digest(getattr(user, field), wanted):
            return user
    raise unauthorized("The credentials are not valid.")


def _member(world: World, encoded: str, tenant: str | None, now: float) -> User:
    try:
        email, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise unauthorized("The Basic credentials cannot be read.") from None
    wanted = digest(password)
    users = world.all(User, now)
    members = [user for user in users if password and (user.email, user.password_digest) == (email, wanted)]
    if tenant is not None:
        names = {t.id: t.name for t in world.all(Tenant, now)}
        members = [user for user in members if names.get(user.tenant_id) == tenant]
    if not members:
        raise unauthorized("The credentials are not valid.")
    if len(members) > 1:
        raise Problem(
            400, "tenant: is required, for this user belongs to several", None, {"tenant": "required"}
        )
    return members[0]


def _signature(world: World, payload: bytes) -> bytes:
    return hmac.new(signing_key(world), payload, hashlib.sha256).digest()


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
