"""What ARM is asked and what it answers: the call, the answer, the errors as Azure words them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.azure.operation_log import Effect
from local.azure.resources import Json


@dataclass(frozen=True)
class ArmCall:
    """One request. `names` are the parts of its path, as the client wrote them; `query` has lower-case keys."""

    method: str
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    caller: str
    base: str

    def name(self, of: str) -> str:
        return self.names[of]

    @property
    def subscription(self) -> str:
        return self.names["subscription"]

    @property
    def group(self) -> str:
        return self.names["group"]

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")


@dataclass(frozen=True)
class Answer:
    """`body` None: none is sent. `meter` says which of Compute's rate limits the headers tell."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    effect: Effect = "none"
    meter: str = ""


class ArmError(Exception):
    """A refusal in ARM's envelope. `gateway` marks those that ARM makes itself, before the resource provider is asked."""

    def __init__(self, status: int, code: str, message: str, *, gateway: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.answer = Answer(
            status,
            {"error": {"code": code, "message": message}},
            {"x-ms-failure-cause": "gateway"} if gateway else {},
        )


def not_found(kind: str, names: str, group: str) -> ArmError:
    """Recorded in compute/test_vm_managed_disk.json and devtestlab/net_lab_create_delete.json."""
    resource = "/".join([kind.partition("/")[0], *_interleave(kind.split("/")[1:], names.split("/"))])
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        gateway=True,
    )


def group_not_found(group: str) -> ArmError:
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.", gateway=True)


def subscription_not_found(subscription: str) -> ArmError:
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.", gateway=True)


def forbidden(caller: str, principal: str, action: str, scope: str) -> ArmError:
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{caller}' with object id '{principal}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials.",
        gateway=True,
    )


def conflict(code: str, message: str) -> ArmError:
    return ArmError(409, code, message)


def bad_request(code: str, message: str) -> ArmError:
    return ArmError(400, code, message)


def _interleave(kinds: list[str], names: list[str]) -> list[str]:
    """`labs`, `customImages` and `a`, `b` make `labs/a/customImages/b`."""
    return [part for pair in zip(kinds, names, strict=True) for part in pair]
