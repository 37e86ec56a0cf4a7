"""Long-running operations: how they are begun, asked about and ended, in the two forms that Azure has."""

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from local.azure.arm_answers import Answer, ArmCall, ArmError
from local.azure.clock import iso
from local.azure.operation_log import Effect
from local.azure.resources import Json, Operation
from local.azure.state import State

Style = Literal["dtl", "compute", "disk"]
DISK_SECONDS = 0.2
_FAST_POLL = {"x-ms-retry-after-ms": "50"}
_PROVIDERS = {
    "dtl": ("Microsoft.DevTestLab", "operations"),
    "compute": ("Microsoft.Compute", "operations"),
    "disk": ("Microsoft.Compute", "DiskOperations"),
}
# As on the wire: the certificate alone takes 2.8 KB, so a history that stores such a URL shows it.
_CERTIFICATE = hashlib.shake_256(b"certificate").hexdigest(1400)
_SIGNATURE = hashlib.shake_256(b"signature").hexdigest(86)
METERS = {"compute": "GetOperationVM", "disk": "GetOperation"}


class Operations:
    """Operations by name. They stay, as in Azure, until the world is replaced."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(
        self, style: Style, seconds: float | None, *, error: Json | None = None, output: Json | None = None
    ) -> Operation:
        """Start one that takes `seconds`; None: as long as whoever began it says nothing more."""
        now = self._state.clock.now()
        name = str(uuid.uuid4())
        if style == "dtl":
            name = f"{datetime.fromtimestamp(now, UTC):%Y%m%d}-{name}"
        ends = None if seconds is None else now + seconds
        return self._state.operations.put("", name, Operation(name, style, now, ends, error, output))

    def end(self, name: str, error: Json | None = None) -> None:
        """End it now: well, or with this error."""
        operation = self._state.operations.get("", name)
        if operation is not None:
            now = self._state.clock.now()
            self._state.operations.put("", name, replace(operation, ends=now, error=error))

    def accepted(
        self, call: ArmCall, operation: Operation, location: str, *, effect: Effect, status: int = 202,
        body: Json | None = None, meter: str = ""
    ) -> Answer:  # fmt: skip
        """The answer to the call that began it; 201 goes without `Location`, as DevTest Labs does."""
        headers = {"Azure-AsyncOperation": self._url(call, operation, location, monitor=False)}
        if status == 202:
            headers["Location"] = self._url(call, operation, location, monitor=True)
        return Answer(status, body, headers | self._pace, effect, meter)

    async def poll(self, call: ArmCall) -> Answer:
        """Answer for both URLs; the signature is not looked at."""
        operation = self._state.operations.get("", call.name("operation"))
        if operation is None:
            raise ArmError(404, "NotFound", f"The entity was not found. Operation: {call.name('operation')}")
        meter = METERS.get(operation.style, "")
        ended = operation.ends is not None and operation.ends <= self._state.clock.now()
        if call.query.get("monitor") == "true":
            return self._result(call, operation, meter) if ended else self._still_running(call, operation, meter)
        if operation.style == "dtl":
            body: Json = {"status": ("Failed" if operation.error else "Succeeded") if ended else "Running"}
        else:
            body = {"startTime": iso(operation.started)}
            if ended:
                body["endTime"] = iso(operation.ends or 0)
            body["status"] = ("Failed" if operation.error else "Succeeded") if ended else "InProgress"
            if ended and operation.output and not operation.error:
                body["properties"] = {"output": operation.output}
            body["name"] = operation.name
        if ended and operation.error:
            body["error"] = operation.error
        return Answer(200, body, {} if ended else self._pace, meter=meter)

    def _still_running(self, call: ArmCall, operation: Operation, meter: str) -> Answer:
        url = self._url(call, operation, call.name("location"), monitor=True)
        return Answer(202, headers={"Location": url, **self._pace}, meter=meter)

    def _result(self, call: ArmCall, operation: Operation, meter: str) -> Answer:
        del call
        if operation.error:
            return Answer(409, {"error": operation.error}, meter=meter)
        return Answer(200, operation.output, meter=meter)

    @property
    def _pace(self) -> dict[str, str]:
        return {} if self._state.authentic else _FAST_POLL

    def _url(self, call: ArmCall, operation: Operation, location: str, *, monitor: bool) -> str:
        provider, kind = _PROVIDERS[operation.style]
        place = quote(location.lower().replace(" ", ""))
        # A compute operation names its partition before, and the monitor between; the signature comes last.
        partition = "" if operation.style == "dtl" else f"p={uuid.uuid5(uuid.NAMESPACE_URL, place)}&"
        ticks = int(operation.started * 10_000_000)
        return (
            f"{call.base}/subscriptions/{call.subscription}/providers/{provider}/locations/{place}/{kind}/"
            f"{operation.name}?{partition}{'monitor=true&' if monitor else ''}api-version={call.api_version}"
            f"&t={ticks}&c={_CERTIFICATE}&s={_SIGNATURE}&h={_SIGNATURE[:43]}"
        )
