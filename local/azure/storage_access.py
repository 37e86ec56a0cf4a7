"""Who may do what at the storage front: tokens and user-delegation signatures only, as policies of companies demand."""

from collections.abc import Mapping

from local.azure.authorization import Authorization
from local.azure.disk_exports import EXPORT_ACCOUNT, DiskExports
from local.azure.permissions import Permission, blob_permission
from local.azure.state import State
from local.azure.storage_calls import Act, BlobCall
from local.azure.tokens import STORAGE_AUDIENCE, caller_of, read_token


class StorageAccess:
    """Says which refusal a call gets before Azurite sees it. Signatures themselves are checked by Azurite."""

    def __init__(self, state: State, exports: DiskExports, authorization: Authorization) -> None:
        self._state, self._exports, self._authorization = state, exports, authorization

    def refusal(self, call: BlobCall, headers: Mapping[str, str]) -> str | None:
        """The code to refuse with, or None."""
        if call.account == EXPORT_ACCOUNT:
            return self._export_refusal(call, headers)
        account = self._state.accounts.get("", call.account)
        if account is None:
            return "AccountNotFound"
        authorization = headers.get("Authorization", "")
        if authorization.lower().startswith("sharedkey"):
            return "KeyBasedAuthenticationNotPermitted"
        if "sig" in call.query:
            if "skoid" not in call.query:
                return "KeyBasedAuthenticationNotPermitted"
        elif not authorization:
            return "NoAuthenticationInformation"
        if authorization:
            claims = read_token(authorization)
            if claims is None or claims.audience != STORAGE_AUDIENCE:
                return "InvalidAuthenticationInfo"
        refused = self._authorization.refused(self.caller(call, headers), self.needed(call))
        return "AuthorizationPermissionMismatch" if account.denied or refused else None

    def needed(self, call: BlobCall) -> list[Permission]:
        """What the call asks Azure's access control for; nothing for a disk's export, whose address is the permission."""
        account = self._state.accounts.get("", call.account)
        return [blob_permission(call, account)] if account else []

    def role(self, needed: list[Permission], caller: str) -> str | None:
        return self._authorization.role(needed[0]) if needed and caller == "app" else None

    def caller(self, call: BlobCall, headers: Mapping[str, str]) -> str:
        """Who calls: the bearer, or whoever had the signature made."""
        if claims := read_token(headers.get("Authorization")):
            return claims.caller
        if caller := caller_of(call.query.get("skoid", "")):
            return caller
        grant = self._exports.by_container(call.container) if call.account == EXPORT_ACCOUNT else None
        return grant.caller if grant else ""

    def _export_refusal(self, call: BlobCall, headers: Mapping[str, str]) -> str | None:
        grant = self._exports.by_container(call.container)
        if grant is None or call.act is not Act.READ or "sig" not in call.query:
            return "AuthenticationFailed"
        if grant.requires_token and read_token(headers.get("Authorization")) is None:
            return "AuthenticationFailed"
        return None
