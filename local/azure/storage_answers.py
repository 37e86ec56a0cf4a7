"""Answers of blob storage that the front gives itself, as Azure words them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from xml.sax.saxutils import escape

from multidict import CIMultiDict

from local.azure.operation_log import Effect

_MESSAGES = {
    "AccountNotFound": (404, "The specified account does not exist."),
    "AuthenticationFailed": (
        403,
        "Server failed to authenticate the request. "
        "Make sure the value of Authorization header is formed correctly including the signature.",
    ),
    "AuthorizationPermissionMismatch": (403, "This request is not authorized to perform this operation using this permission."),
    "CannotVerifyCopySource": (403, "The copy source could not be verified."),
    "CopyIdMismatch": (409, "The specified copy ID did not match the copy ID for the pending copy operation."),
    "InvalidAuthenticationInfo": (401, "The bearer token is missing, expired or made for another audience."),
    "InvalidBlobType": (409, "The blob type is invalid for this operation."),
    "InvalidHeaderValue": (400, "The value for one of the HTTP headers is not in the correct format."),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "KeyBasedAuthenticationNotPermitted": (403, "Key based authentication is not permitted on this storage account."),
    "NoAuthenticationInformation": (401, "Server failed to authenticate the request: it carries neither a token nor a signature."),
    "NoPendingCopyOperation": (409, "There is currently no pending copy operation."),
    "PendingCopyOperation": (409, "There is currently a pending copy operation."),
}  # fmt: skip


@dataclass
class Reply:
    """An answer on its way to the client, still to be changed."""

    status: int
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict[str])
    body: bytes = b""
    effect: Effect = "none"


def refusal(code: str) -> Reply:
    """One of the answers above."""
    status, message = _MESSAGES[code]
    reply = Reply(status, _standard_headers({"x-ms-error-code": code, "Content-Type": "application/xml"}))
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    reply.body = f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
    if status == 401:
        reply.headers["WWW-Authenticate"] = (
            "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize "
            "resource_id=https://storage.azure.com"
        )
    return reply


def done(status: int) -> Reply:
    return Reply(status, _standard_headers({}))


def _standard_headers(more: Mapping[str, str]) -> CIMultiDict[str]:
    headers = CIMultiDict[str](more)
    headers["x-ms-request-id"] = str(uuid.uuid4())
    headers["x-ms-version"] = "2026-06-06"
    headers["Date"] = formatdate(usegmt=True)
    return headers
