"""Bearer tokens: made by the identity endpoint, read by ARM and the storage front. Nothing signs them."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

from local.azure.vhd import seeded_uuid

TENANT = "11111111-2222-3333-4444-555555555555"
STORAGE_AUDIENCE = "https://storage.azure.com"
ARM_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
CALLERS = ("app", "host", "local")
_LIFETIME = 24 * 3600


@dataclass(frozen=True)
class Claims:
    """What a token says: who calls, for which service."""

    caller: str
    audience: str
    expires: float


def object_id(caller: str) -> str:
    """The principal behind a caller, as it stands in tokens and in user-delegation signatures."""
    return seeded_uuid(f"caller:{caller}")


_CALLER_OF = {object_id(caller): caller for caller in CALLERS}


def caller_of(principal: str) -> str | None:
    return _CALLER_OF.get(principal)


def create_token(caller: str, audience: str) -> tuple[str, int]:
    """A token and when it expires (seconds since 1970, real time). Azurite reads it, but checks no signature."""
    now = int(time.time())
    expires = now + _LIFETIME
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 5,
        "nbf": now - 5,
        "exp": expires,
        "tid": TENANT,
        "oid": object_id(caller),
        "sub": object_id(caller),
        "appid": object_id(f"{caller}-application"),
        "idtyp": "app",
        "ver": "1.0",
        "caller": caller,
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": "local"}
    return ".".join([_encode(header), _encode(claims), "bm90LXNpZ25lZA"]), expires


def read_token(authorization: str | None) -> Claims | None:
    """The claims of an `Authorization: Bearer` header; None when there is none, it is not readable, or it has expired."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        payload = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        read = Claims(str(claims.get("caller", "")), str(claims["aud"]).rstrip("/"), float(claims["exp"]))
    except (IndexError, KeyError, ValueError):
        return None
    return read if read.expires > time.time() else None


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
