"""The Durable HTTP API below /runtime/webhooks/durabletask, which the client binding calls."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from local.host.hub import Hub
from local.host.instance import Instance
from local.host.tasks import AlreadyExistsError

PREFIX = "/runtime/webhooks/durabletask"
_HUB = "taskHub=local&connection=Storage&code=local"


def client_binding(base: str) -> str:
    """What a durable client input receives: a JSON text with the addresses; only `rpcBaseUrl` is called by the SDK."""
    root = base + PREFIX
    create = root + "/orchestrators/{functionName}[/{instanceId}]"
    return json.dumps(
        {
            "taskHubName": "local",
            "creationUrls": {
                "createNewInstancePostUri": f"{create}?code=local",
                "createAndWaitOnNewInstancePostUri": f"{create}?timeout={{timeoutInSeconds}}&code=local",
            },
            "managementUrls": _links(root, "INSTANCEID"),
            "baseUrl": root,
            "requiredQueryStringParameters": "code=local",
            "rpcBaseUrl": root + "/",
        }
    )


def _links(root: str, instance_id: str) -> dict[str, str]:
    one = f"{root}/instances/{quote(instance_id, safe='')}"
    operations = ("terminate", "rewind", "suspend", "resume", "restart")
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{one}?{_HUB}",
        "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}?{_HUB}",
        "purgeHistoryDeleteUri": f"{one}?{_HUB}",
        **{f"{name}PostUri": f"{one}/{name}?reason={{text}}&{_HUB}" for name in operations},
    }


class DurableApi:
    """Answers as the extension was seen to answer (`durable-facts.md` sections 5, 11, 13)."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        one = PREFIX + "/instances/{id}"
        return [
            web.post(PREFIX + "/orchestrators/{name}", self._start),
            web.post(PREFIX + "/orchestrators/{name}/{id}", self._start),
            *(web.get(PREFIX + path, self._list) for path in ("/instances", "/instances/")),
            *(web.delete(PREFIX + path, self._purge_many) for path in ("/instances", "/instances/")),
            web.get(one, self._status),
            web.delete(one, self._purge),
            web.post(one + "/raiseEvent/{event}", self._raise_event),
            web.post(one + "/{operation:terminate|suspend|resume|restart}", self._operate),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        name, instance_id = request.match_info["name"], request.match_info.get("id", "")
        if re.search(r"[/\x00-\x1f]", instance_id):
            return _problem(400, "Instance ids must not hold '/' or control characters.")
        try:
            text = await _json_text(request)
        except ValueError:
            return _problem(400, "Invalid JSON content")
        try:
            started = self._hub.start(name, text, instance_id)
        except AlreadyExistsError as error:
            return web.json_response({"Message": str(error)}, status=409)
        return _accepted(request, started)

    async def _status(self, request: web.Request) -> web.Response:
        instance = self._hub.find(request.match_info["id"])
        if instance is None:
            return web.Response(status=404)
        body = _status_of(instance, _asked(request, "showInput", "true"))
        if _asked(request, "showHistory", "false"):
            body["historyEvents"] = self._hub.history(instance)
        running = not instance.ended
        headers = {"Location": str(request.url), "Retry-After": "5"} if running else {}
        return web.json_response(body, status=202 if running else 200, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        show_input = _asked(request, "showInput", "false")
        return web.json_response([_status_of(instance, show_input) for instance in self._found(request)])

    def _found(self, request: web.Request) -> list[Instance]:
        statuses = [one for text in request.query.getall("runtimeStatus", []) for one in text.split(",")]
        prefix = request.query.get("instanceIdPrefix", "")
        begin, end = (_time(request.query.get(name)) for name in ("createdTimeFrom", "createdTimeTo"))
        return [
            instance
            for instance in self._hub.all()
            if instance.id.startswith(prefix)
            and (not statuses or instance.status in statuses)
            and (begin is None or datetime.fromisoformat(instance.created) >= begin)
            and (end is None or datetime.fromisoformat(instance.created) <= end)
        ]

    async def _purge(self, request: web.Request) -> web.Response:
        instance = self._hub.find(request.match_info["id"])
        if instance is None:
            return web.Response(status=404)
        if not instance.ended:
            return web.Response(status=412)
        self._hub.purge(instance.id)
        return web.json_response({"instancesDeleted": 1})

    async def _purge_many(self, request: web.Request) -> web.Response:
        if "createdTimeFrom" not in request.query:
            return _problem(400, "Please provide value for 'createdTimeFrom' parameter.")
        ended = [instance for instance in self._found(request) if instance.ended]
        for instance in ended:
            self._hub.purge(instance.id)
        return web.json_response({"instancesDeleted": len(ended)}, status=200 if ended else 404)

    async def _raise_event(self, request: web.Request) -> web.Response:
        instance = self._hub.find(request.match_info["id"])
        if instance is None or instance.ended:
            return web.Response(status=404 if instance is None else 410)
        try:
            text = await _json_text(request)
        except ValueError:
            return _problem(400, "Invalid JSON content")
        self._hub.raise_event(instance.id, request.match_info["event"], text or "null")
        return web.Response(status=202)

    async def _operate(self, request: web.Request) -> web.Response:
        operation, reason = request.match_info["operation"], request.query.get("reason", "")
        instance = self._hub.find(request.match_info["id"])
        if instance is None or instance.ended != (operation == "restart"):
            return web.Response(status=404 if instance is None else 410)
        if operation == "restart":
            fresh = request.query.get("restartWithNewInstanceId", "true").lower() == "true"
            return _accepted(request, self._hub.start(instance.name, instance.input, "" if fresh else instance.id))
        act = {"terminate": self._hub.terminate, "suspend": self._hub.suspend, "resume": self._hub.resume}[operation]
        act(instance.id, reason)
        return web.Response(status=202)


def _accepted(request: web.Request, instance_id: str) -> web.Response:
    links = _links(f"{request.scheme}://{request.host}{PREFIX}", instance_id)
    return web.json_response(links, status=202, headers={"Location": links["statusQueryGetUri"], "Retry-After": "10"})


def _status_of(instance: Instance, show_input: bool) -> dict[str, Any]:
    return {
        "name": instance.name,
        "instanceId": instance.id,
        "runtimeStatus": instance.status,
        "input": _value(instance.input) if show_input else None,
        "customStatus": instance.custom_status,
        "output": _value(instance.output),
        "createdTime": _seconds(instance.created),
        "lastUpdatedTime": _seconds(instance.updated),
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _seconds(stamp: str) -> str:
    return re.sub(r"\.\d+Z$", "Z", stamp)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


async def _json_text(request: web.Request) -> str | None:
    text = await request.text()
    value = json.loads(text) if text else None
    return None if value is None else json.dumps(value)


def _asked(request: web.Request, name: str, default: str) -> bool:
    return request.query.get(name, default).lower() == "true"


def _problem(status: int, message: str) -> web.Response:
    return web.json_response(
        {"Message": "One or more of the arguments submitted is incorrect", "ExceptionMessage": message}, status=status
    )
