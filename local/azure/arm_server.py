"""The https endpoint of ARM: who calls, what is asked, the answer with its headers, the log."""

import asyncio
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from local.azure.arm_answers import Answer, ArmCall, ArmError, bad_request, forbidden, not_found
from local.azure.arm_routes import Route, is_operation_poll
from local.azure.arm_tenant import cloud_metadata
from local.azure.authorization import Authorization
from local.azure.faults import Fault, Faults
from local.azure.operation_log import OperationLog
from local.azure.permissions import arm_permissions
from local.azure.resources import Json
from local.azure.state import State
from local.azure.tokens import ARM_AUDIENCES, TENANT, object_id, read_token
from local.azure.traffic import Traffic

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_METERS = {
    "LowCostGetVM": "Microsoft.Compute/LowCostGetSubscriptionMaximum;23995,Microsoft.Compute/LowCostGetResource;33",
    "DeleteVM": "Microsoft.Compute/DeleteVMSubscriptionMaximum;1499,Microsoft.Compute/DeleteVMResource;11",
    "UpdateVM": "Microsoft.Compute/UpdateVMSubscriptionMaximum;1499,Microsoft.Compute/UpdateVMResource;11",
    "GetOperationVM": "Microsoft.Compute/GetOperationResource;44,Microsoft.Compute/GetOperationSubscriptionMaximum;14996",
    "LowCostGet": "Microsoft.Compute/LowCostGet3Min;14983,Microsoft.Compute/LowCostGet30Min;119980",
    "HighCostDiskHydrate": "Microsoft.Compute/HighCostDiskHydrate3Min;999,Microsoft.Compute/HighCostDiskHydrate30Min;7996",
    "GetOperation": "Microsoft.Compute/GetOperation3Min;49988,Microsoft.Compute/GetOperation30Min;399988",
}


class ArmServer:
    """Calls are answered one by one on the event loop; what a handler stores is on disk before its answer goes out."""

    def __init__(
        self, state: State, routes: list[Route], authorization: Authorization, faults: Faults, log: OperationLog,
        traffic: Traffic,
    ) -> None:  # fmt: skip
        self._state, self._routes, self._authorization = state, routes, authorization
        self._faults, self._log, self._traffic = faults, log, traffic
        self.base = ""

    def application(self) -> web.Application:
        application = web.Application(client_max_size=16 * 1024**2)
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.lower() == "/metadata/endpoints":
            return web.json_response(cloud_metadata(self.base))
        fault = self._faults.take("arm", request.method, request.path_qs)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        takes_effect = not fault or fault.when == "after" or not (fault.status or fault.reset)
        claims = read_token(request.headers.get("Authorization"))
        caller = claims.caller if claims else ""
        answer = await self._answer(request, caller) if takes_effect else Answer(200)
        response = _response(request.method, answer)
        if fault and fault.reset:
            self._record(request, caller, 0, answer)
            if request.transport:
                request.transport.abort()
            return response
        if fault and fault.status:
            response = _faulty(fault)
        self._record(request, caller, response.status, answer)
        if not is_operation_poll(request.path):
            await self._traffic.write(request, response)
        return response

    async def _answer(self, request: web.Request, caller: str) -> Answer:
        try:
            await self._state.timeline.settle(self._state.clock.now())
            claims = read_token(request.headers.get("Authorization"))
            if claims is None or claims.audience not in ARM_AUDIENCES:
                return self._unauthorized(present=claims is not None)
            return await self._route(request, caller)
        except ArmError as error:
            return error.answer

    async def _route(self, request: web.Request, caller: str) -> Answer:
        path = request.path
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(path)):
                if "api-version" not in {name.lower() for name in request.query}:
                    message = "The api-version query parameter (?api-version=) is required for all requests."
                    raise bad_request("MissingApiVersionParameter", message)
                call = ArmCall(
                    request.method,
                    path,
                    match.groupdict(),
                    {name.lower(): value for name, value in request.query.items()},
                    await _body(request),
                    caller,
                    self.base,
                )
                self._authorize(call)
                return await handler(call)
        if any(pattern.fullmatch(path) for _, pattern, _ in self._routes):
            return Answer(
                405, {"error": {"code": "MethodNotAllowed", "message": f"'{request.method}' is not supported."}}
            )
        parts = path.rstrip("/").split("/")
        group = parts[4] if len(parts) > 4 else ""
        raise not_found("Unknown/resources", parts[-1], group)

    def _authorize(self, call: ArmCall) -> None:
        """Raise as ARM does for what the caller's roles do not hold; of a subscription that is not there it says so first."""
        subscription = self._state.subscriptions.get("", call.names.get("subscription", ""))
        if subscription is None or subscription.denied:
            return
        needed = arm_permissions(call.method, call.path, call.query)
        if refused := self._authorization.refused(call.caller, needed):
            [operation] = self._authorization.spelled([refused])
            raise forbidden(call.caller, object_id(call.caller), operation, refused.scope)

    def _unauthorized(self, *, present: bool) -> Answer:
        if present:
            code, told = "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience."
        else:
            code, told = (
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing or invalid.",
            )
        challenge = f'Bearer authorization_uri="{self.base}/{TENANT}", error="invalid_token"'
        return Answer(401, {"error": {"code": code, "message": told}}, {"WWW-Authenticate": challenge})

    def _record(self, request: web.Request, caller: str, status: int, answer: Answer) -> None:
        match = _SUBSCRIPTION.match(request.path)
        query = {name.lower(): value for name, value in request.query.items()}
        needed = arm_permissions(request.method, request.path, query) if match else []
        self._log.record(
            service="arm",
            method=request.method,
            path=request.path,
            status=status,
            effect=answer.effect if answer.status < 400 else "none",
            caller=caller,
            subscription=match[1] if match else None,
            operations=self._authorization.spelled(needed),
            role=self._authorization.role(needed[0]) if needed and caller == "app" else None,
        )


async def _body(request: web.Request) -> Json:
    if not request.can_read_body:
        return {}
    raw = await request.read()
    try:
        body: object = json.loads(raw or b"{}")
    except ValueError as error:
        raise bad_request("InvalidRequestContent", f"The request content was invalid: {error}") from error
    return msgspec.convert(body, dict[str, object]) if isinstance(body, dict) else {}


def _response(method: str, answer: Answer) -> web.Response:
    request_id = str(uuid.uuid4())
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request_id,
        "x-ms-routing-request-id": f"LOCAL:{datetime.now(UTC):%Y%m%dT%H%M%SZ}:{request_id}",
        **_limits(method, answer),
        **answer.headers,
    }
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    return web.Response(status=answer.status, headers=headers, body=msgspec.json.encode(answer.body))


def _limits(method: str, answer: Answer) -> Mapping[str, str]:
    """What is left of the caller's budgets. Answers that ARM itself refuses with say nothing (recorded)."""
    if "x-ms-failure-cause" in answer.headers or answer.status == 401:
        return {}
    kind = {"GET": "reads", "DELETE": "deletes"}.get(method, "writes")
    prefix = "x-ms-ratelimit-remaining-subscription"
    if answer.meter:
        limits = {"x-ms-ratelimit-remaining-resource": _METERS[answer.meter]}
        limits[f"{prefix}-global-{kind}"] = "3749" if kind == "reads" else "2999"
    else:
        limits = {f"{prefix}-global-{kind}": "7499" if kind == "reads" else "5999"}
    limits[f"{prefix}-{kind}"] = "249" if kind == "reads" else "199" if answer.meter else "399"
    return limits


def _faulty(fault: Fault) -> web.Response:
    request_id = str(uuid.uuid4())
    headers = {"x-ms-request-id": request_id, "x-ms-correlation-request-id": request_id, **fault.answer_headers()}
    return web.Response(status=fault.status or 500, headers=headers, body=fault.answer_body())
