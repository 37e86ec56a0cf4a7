"""The one translator from the Azure SDK's exceptions to our error tree."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import FactoryError, MissingError, RejectedError, TransientError
from shared.redaction import redacted

_TRANSIENT = {408, 429, 500, 502, 503, 504, 507}

_ROLES = "Give the app's identity its role there (docs/deploy.md, Roles); then run again."

NEXT_STEPS = {
    "AuthorizationFailed": _ROLES,
    "AuthorizationPermissionMismatch": _ROLES,
    "AuthenticationFailed": "Check the app's identity and that it belongs to the tenant of this resource.",
    "KeyBasedAuthenticationNotPermitted": "The account allows Entra tokens only; the factory uses no keys. Report this.",
    "SubscriptionNotFound": "Correct SubscriptionId in labs.json, or give the app's identity access to it.",
    "InvalidStorageAccountForLab": "The VHD must lie in the lab's own storage account. Check the lab's storage account.",
    "CannotVerifyCopySource": (
        "The target account may not read the source: check the firewalls and AllowedCopyScope of both storage accounts."
    ),
    "ScopeLocked": "Remove the lock, or take the lab out of labs.json.",
    "QuotaExceeded": "Ask for more quota in that region, or delete images; then run again.",
}


@contextmanager
def attempting(what: str) -> Generator[None, None, None]:
    """Translate what the SDK raises inside; `what` says what is attempted on which resource, e.g. "read lab X"."""
    try:
        yield
    except AzureError as error:
        raise translated(error, what) from None


def translated(error: AzureError, what: str) -> FactoryError:
    """Our error for Azure's. It names the code that Azure answered and never holds a signature or token."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        code = error_code(error)
        message = f"Could not {what}: {error.status_code} {code}: {_first_line(error)}"
        if error.status_code in _TRANSIENT:
            return TransientError(code, message, _retry_after(error))
        # Storage answers a refused copy source as 401, 403 or 404; the resource that is missing is not ours to look for.
        if error.status_code in (404, 410) and code != "CannotVerifyCopySource":
            return MissingError(code, message, NEXT_STEPS.get(code, "Check that it still exists."))
        return RejectedError(code, message, NEXT_STEPS.get(code, "Do what Azure's answer asks for; then run again."))
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return TransientError("NoAnswer", f"Could not {what}: {_first_line(error)}")
    if isinstance(error, ClientAuthenticationError):
        return TransientError("NoToken", f"Could not {what}: the app's identity got no token: {_first_line(error)}")
    return TransientError(type(error).__name__, f"Could not {what}: {_first_line(error)}")


def error_code(error: HttpResponseError) -> str:
    """The service's code: storage has it in `error_code`, ARM in the body (`error.code`)."""
    storage: Any = getattr(error, "error_code", None)
    arm: Any = getattr(error.error, "code", None)
    code = getattr(storage, "value", storage) or arm
    return str(code or f"Http{error.status_code}")


def _retry_after(error: HttpResponseError) -> timedelta | None:
    response: Any = error.response
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return timedelta(seconds=min(int(text), 3600)) if text.isdecimal() else None


def _first_line(error: AzureError) -> str:
    """What Azure said: one line, without the request id and time that the storage SDK adds, without secrets."""
    arm: Any = getattr(getattr(error, "error", None), "message", None)
    text = str(arm or error.message or error).strip()
    return redacted(text.splitlines()[0][:500] if text else "no reason given")
