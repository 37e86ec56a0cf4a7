"""The managed-identity endpoint of a Function App. Its secret header names the caller: app, host or local."""

import asyncio

from aiohttp import web

from local.azure.faults import Faults
from local.azure.operation_log import OperationLog
from local.azure.tokens import CALLERS, create_token, object_id


class IdentityServer:
    """Plain http, as in Azure."""

    def __init__(self, faults: Faults, log: OperationLog) -> None:
        self._faults, self._log = faults, log

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/msi/token", self.token)
        return application

    async def token(self, request: web.Request) -> web.Response:
        fault = self._faults.take("identity", request.method, request.path_qs)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        caller = request.headers.get("X-IDENTITY-HEADER", "")
        response = self._issue(request, caller)
        if fault and fault.status:
            response = web.Response(status=fault.status, headers=fault.answer_headers(), body=fault.answer_body())
        reset = fault is not None and fault.reset
        self._log.record(
            service="identity",
            method=request.method,
            path=request.path,
            status=0 if reset else response.status,
            effect="none",
            caller=caller if caller in CALLERS else "",
        )
        if reset and request.transport:
            request.transport.abort()
        return response

    def _issue(self, request: web.Request, caller: str) -> web.Response:
        if caller not in CALLERS:
            return web.json_response({"statusCode": 401, "message": "The X-IDENTITY-HEADER is not known."}, status=401)
        resource = request.query.get("resource")
        if not resource:
            return web.json_response({"statusCode": 400, "message": "The parameter 'resource' is missing."}, status=400)
        token, expires = create_token(caller, resource)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": object_id(f"{caller}-application"),
            }
        )
