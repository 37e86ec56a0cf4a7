"""Faults on demand: an answer that Azure might give, a closed connection, a delay."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from local.azure.operation_log import Service


@dataclass
class Fault:
    """Applies to calls whose "METHOD /path?query" matches, raw or decoded, ignoring case.

    The first `skip` matches go through, then `times` are hit. "before": the call has no effect; "after": it has, and only
    its answer is replaced. Without `status` and `reset` the call is only delayed.
    """

    match: str
    service: Service | None = None
    times: int = 1
    skip: int = 0
    when: Literal["before", "after"] = "before"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    reset: bool = False
    delay: float = 0.0
    hits: int = 0

    def answer_body(self) -> bytes:
        """A text goes out as it is, anything else as JSON."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else msgspec.json.encode(self.body)

    def answer_headers(self) -> dict[str, str]:
        known = {name.lower() for name in self.headers}
        if self.body is None or "content-type" in known:
            return self.headers
        is_xml = isinstance(self.body, str) and self.body.lstrip().startswith("<")
        return {"Content-Type": "application/xml" if is_xml else "application/json", **self.headers}


class Faults:
    """In memory only: a restarted simulator has none."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, description: Any) -> Fault:
        """Raises ValueError when the description is not one."""
        try:
            fault = msgspec.convert(description, Fault)
            re.compile(fault.match)
        except (msgspec.ValidationError, re.error) as error:
            raise ValueError(str(error)) from error
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        self.faults.clear()

    def take(self, service: Service, method: str, raw_path: str) -> Fault | None:
        """The first fault that wants this call. It is used up by one."""
        if not self.faults:
            return None
        texts = {f"{method} {raw_path}", f"{method} {unquote(raw_path)}"}
        for fault in self.faults:
            if fault.times <= 0 or (fault.service and fault.service != service):
                continue
            if not any(re.search(fault.match, text, re.IGNORECASE) for text in texts):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            fault.hits += 1
            return fault
        return None
