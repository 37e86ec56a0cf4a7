"""The real app, the real durable replay, the real Azure SDKs and the simulated Azure in one process, on one virtual clock.

Nothing of a case is left for the next one, and all that happens in it follows from its seed: one thread moves at a time, ids and
jitter come from the seed, time passes only when nobody moves.
"""

import asyncio
import json
import logging
import os
import random
import re
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.identity import ManagedIdentityCredential
from azure.storage.blob._shared import policies as storage_policies
from azure.storage.blob._shared.base_client import TransportWrapper

import shared.azure.clients
import shared.azure.labs
import shared.journal
import shared.side_by_side
from local.azure.blob_store import BlobPath
from local.azure.clock import Clock, iso
from local.azure.in_process import exchange
from local.azure.memory_blobs import MemoryBlobService, MemoryBlobStore
from local.azure.operation_log import OperationLog
from local.azure.parts import Addresses, Parts
from local.azure.resources import Copy, CustomImage, Json
from local.azure.state import State
from local.azure.store import Store as AzureStore
from local.azure.world import SYSTEM_ACCOUNT
from local.host.clock import VirtualClock
from local.host.functions import load
from local.host.hub import Hub
from local.host.misbehaviour import Misbehaviour
from local.host.store import Store as HubStore
from shared.domain.labs import Lab
from shared.domain.runs import RunRequest, mint_run_id
from shared.settings import settings as settings_of_process
from shared.starting import instance_id
from shared.wire import to_plain
from tests.resilience.strands import Killed, Strands
from tests.resilience.troubles import Troubles
from tests.resilience.wire import ARM, IDENTITY, STORAGE, LaboratoryTransport, Wire

REPOSITORY = Path(__file__).resolve().parents[2]
MORNING = datetime(2026, 11, 23, 2, tzinfo=UTC)
"""When every case begins."""


@dataclass(frozen=True)
class Conditions:
    """What a case is made of, beside its world.

    `kills` are the numbers of the places where the host dies (see `Watch`); it is `asleep` until it begins anew.
    """

    seed: int = 0
    mixes: bool = False
    misbehaves: bool = False
    kills: tuple[int, ...] = ()
    asleep: timedelta = timedelta()
    settings: dict[str, str] = field(default_factory=dict[str, str])


_MOST_MOVES = 5_000
"""At one moment; some hundred are usual."""


class Stuck(AssertionError):  # noqa: N818 - a verdict
    """A run did not come to an end: nothing moves and nothing is due, or it never stops."""


class _AzuresClock(Clock):
    """The simulator's clock shows what the host's does."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class _Log(OperationLog):
    """The operation log as a list; each entry tells which app called, and how long the log was when its activity began."""

    def __init__(self, clock: Clock, settings: Callable[[], Any], since: Callable[[], int]) -> None:
        self._clock, self._settings, self._since, self.entries = clock, settings, since, list[Json]()

    def record(self, **call: Any) -> None:
        about = {"time": iso(self._clock.now()), "app": self._settings().app, "since": self._since()}
        self.entries.append(about | call)


class Watch:
    """Sees every place where the host could die, counts them, and lets it die at one of them.

    The places of a run: before and after every activity and every step of an orchestrator, before every call to Azure.
    """

    def __init__(self, laboratory: "Laboratory", kills: tuple[int, ...]) -> None:
        self._laboratory, self._kills = laboratory, set(kills)
        self.places: list[str] = []
        self.call_at: dict[int, int] = {}
        """Which call of the run a place is before; the SDK's pollers make more."""
        self.died_at: list[str] = []
        self.acts: dict[int, Callable[[], None]] = {}
        """What an operator, or Azure, does when the run gets to a place."""
        self._begun: dict[int, tuple[datetime, int]] = {}

    @property
    def since(self) -> int:
        """How long the log was when the current activity began; 0 for who is none."""
        return self._begun.get(id(self._laboratory.strands.current), (MORNING, 0))[1]

    def reach(self, when: str, name: str) -> None:
        self._time(when, name)
        number = len(self.places)
        if act := self.acts.pop(number, None):
            act()
        self.places.append(f"{when} {name}")
        if name == A_CALL:
            self.call_at[number] = len(self._laboratory.troubles.calls)
        self._laboratory.tell("host", f"{when.replace('-', ' ')} {name}")
        if number in self._kills:
            self._laboratory.tell("trouble", f"the host dies {when.replace('-', ' ')} {name}")
            self._laboratory.died = True
            self.died_at.append(self.places[-1])
            raise Killed

    def kill_at(self, number: int) -> None:
        self._kills.add(number)

    def leave_alone(self) -> None:
        """Nothing more is done to the run."""
        self._kills.clear()
        self.acts.clear()

    def _time(self, when: str, name: str) -> None:
        """How long activities take, in virtual time."""
        strand = self._laboratory.strands.current
        if strand is None or name == A_CALL:
            return
        if when == "before":
            self._begun[id(strand)] = self._laboratory.clock.now(), len(self._laboratory.log.entries)
        elif when == "after" and (begun := self._begun.pop(id(strand), None)):
            self._laboratory.activity_times.append((name, self._laboratory.clock.now() - begun[0]))


A_CALL = "a call to Azure"


@dataclass
class Note:
    """A line of the timeline."""

    time: datetime
    kind: str
    text: str


class BegunCopy(NamedTuple):
    """A server-side copy that the storage service took on."""

    time: datetime
    target: str
    source: str


_SECRET = re.compile(r"(?:[?&]|^|\b)sig=([^&\s\"]+)|<Value>([^<]+)</Value>")


class Laboratory:
    """One per process; `case` begins a fresh world in it."""

    def __init__(self) -> None:
        self.functions = load(REPOSITORY).durable()
        self.clock = VirtualClock(MORNING)
        self._store = AzureStore(Path(":memory:"))
        self.state = State(self._store, authentic=True)
        self.state.clock = _AzuresClock(self.clock)
        self.service = MemoryBlobService(self.state.clock.now)
        self.blobs = MemoryBlobStore(self.service)
        self.troubles = Troubles()
        self.troubles.caller = lambda: self.strands.current
        self.log = _Log(self.state.clock, self._settings, lambda: self.watch.since)
        self.parts = Parts(self.state, self.service, self.blobs, self.log, Addresses(ARM, STORAGE), self.troubles)
        self.service.read_source = self._read_source
        self.handlers = {
            "arm.laboratory": self._arm,
            "storage.laboratory": self._blob,
            "identity.laboratory": self._token,
        }
        self.parts.images._check_vhd = self._take_any_vhd
        self.parts.copies.watchers.append(self._note_copy)
        self.notes: list[Note] = []
        self.copies: list[BegunCopy] = []
        self.secrets: set[str] = set()
        self.captured_logs = _Logs()
        self.died = False

    # --- A case

    @contextmanager
    def case(self, world: Json, configuration: dict[str, bytes], conditions: Conditions) -> Generator[None, None, None]:
        """A fresh world with this configuration uploaded and a fresh task hub; everything is as before afterwards."""
        self.conditions = conditions
        self.random = random.Random(conditions.seed)
        self.clock._now = MORNING
        self.notes, self.copies, self.secrets, self.died = [], [], set(), False
        self.activity_times: list[tuple[str, timedelta]] = []
        self.lifetimes: dict[str, timedelta] = {}
        self.troubles.end()
        self.troubles.calls, self.troubles.injected = [], 0
        with self._reproducible(), self._at_home(world, conditions.settings):
            self._load(world, configuration)
            self.log.entries = []
            self.hub_store = HubStore(Path(":memory:"))
            self.watch = Watch(self, conditions.kills)
            self.misbehaviour = Misbehaviour(conditions.seed if conditions.misbehaves else None)
            self.second: Hub | None = None
            self._begin_host()
            try:
                yield
            finally:
                self.strands.kill()
                self.hub_store.close()

    def upload(self, name: str, data: bytes, container: str = "configuration") -> None:
        """Upload a file of the configuration (an operator does, not the app)."""
        self._settled(self.blobs.put_text(BlobPath(SYSTEM_ACCOUNT, container, name), data, {}, {}))

    # --- The host

    def _begin_host(self) -> None:
        self._forget_process()
        self.strands = Strands(self.random, mixes=self.conditions.mixes)
        self.hub = Hub(
            self.functions,
            self.hub_store,
            self.clock,
            misbehaviour=self.misbehaviour,
            pools=self.strands.pool,
            points=self.watch,
        )
        self.hub.begin(let_time_pass=False)

    def begin_second(self, app: str, **more: Any) -> Hub:
        """Another host with the same code beside the first, as the app `app`, with other settings: no platform prevents that."""

        def as_other(call: Callable[..., Any]) -> Callable[..., Any]:
            def run(**payload: Any) -> Any:
                self.strands.local.settings = {"app": app, **more}
                try:
                    return call(**payload)
                finally:
                    self.strands.local.settings = {}

            return run

        functions = {
            name: function if function.is_orchestrator else replace(function, call=as_other(function.call))
            for name, function in self.functions.items()
        }
        self.second = Hub(functions, HubStore(Path(":memory:")), self.clock, pools=self.strands.pool, points=self.watch)
        self.second.begin(let_time_pass=False)
        return self.second

    def _settings(self) -> Any:
        """The settings of the app whose activity asks."""
        return replace(settings_of_process(), **getattr(self.strands.local, "settings", {}))

    def _factory_lab(self) -> Lab:
        return self._get_lab(self._settings().factory_lab)

    def restart_host(self) -> None:
        """The process is gone with all that it had in memory; a new one goes on from the task hub."""
        self.strands.kill()
        self.died = False
        self.clock.advance_to(self.clock.now() + self.conditions.asleep)
        self.tell("host", "a new process begins")
        self._begin_host()

    def start(self, after: str = "", hub: Hub | None = None, **request: Any) -> str:
        """Start a run; its id."""
        run_id = mint_run_id(self.clock.now(), f"{self.random.getrandbits(16):04x}", after)
        text = json.dumps(to_plain(RunRequest(run_id, **request)))
        (hub or self.hub).start("factory_run", text, instance_id())
        self.tell("start", run_id)
        return run_id

    def go_on(self, until: Callable[[], bool] = lambda: False, within: timedelta = timedelta(days=5)) -> None:
        """Let everything happen that is going to, a host that dies included; raises Stuck when it never ends."""
        end, last, moves = self.clock.now() + within, self.clock.now(), 0
        while not until():
            if self.died:
                self.restart_host()
            elif not self.strands.move() and not self._pass_time():
                return
            now = self.clock.now()
            last, moves = now, moves + 1 if now == last else 0
            if now > end:
                raise Stuck(f"nothing has come to an end after {within}")
            if moves > _MOST_MOVES:
                raise Stuck(f"time stands still at {now:%H:%M:%S}: something is done over and over")

    def _pass_time(self) -> bool:
        """Jump to what is due next, on the agenda of whichever host has it."""
        agendas = [hub.agenda for hub in (self.hub, self.second) if hub is not None]
        due = [(agenda.next_due, number) for number, agenda in enumerate(agendas)]
        known = [(when, number) for when, number in due if when is not None]
        return bool(known) and agendas[min(known)[1]].pass_time()

    def run(self, after: str = "", **request: Any) -> str:
        """Start a run and let it end; its id."""
        run_id = self.start(after, **request)
        self.go_on()
        instance = self.hub.find(instance_id())
        if instance is None or not instance.ended:
            raise Stuck(f"run {run_id} stands still: {instance.status if instance else 'no instance'}")
        return run_id

    def delete_image(self, image: CustomImage) -> None:
        """An operator deletes a custom image."""
        self.parts.images.remove(image)
        self.log.record(service="arm", method="DELETE", path=image.id, status=202, effect="delete", caller="local")

    # --- The timeline

    def tell(self, kind: str, text: str) -> None:
        self.notes.append(Note(self.clock.now(), kind, text))

    # --- Azure

    async def _arm(self, request: Any) -> Any:
        return await self._noted(self.parts.arm.handle, request)

    async def _blob(self, request: Any) -> Any:
        return await self._noted(self.parts.front.handle, request)

    async def _noted(self, handle: Any, request: Any) -> Any:
        before = self.troubles.injected
        response = await handle(request)
        entry = self.log.entries[-1]
        effect = "" if entry["effect"] == "none" else f"  -> {entry['effect']}"
        kind = "trouble" if self.troubles.injected > before else "call"
        self._keep_secrets(request, response)
        self.tell(kind, f"{entry['status'] or 'no answer'} {request.method} {request.path}{effect}")
        return response

    def _keep_secrets(self, request: Any, response: Any) -> None:
        """Every signature, key and token that Azure gave away or was shown: none may be found anywhere afterwards."""
        texts = [urlsplit(request.headers.get("x-ms-copy-source", "")).query]
        if "comp=userdelegationkey" in request.path_qs or "operations" in request.path.lower():
            texts.append(response.body.decode() if isinstance(response.body, bytes) else "")
        for text in texts:
            self.secrets |= {found for groups in _SECRET.findall(text) for found in groups if found}

    async def _token(self, request: Any) -> Any:
        response = await self.parts.identity.token(request)
        text = response.body.decode() if isinstance(response.body, bytes) else ""
        self.secrets |= set(re.findall(r'"access_token": ?"([^"]+)"', text))
        self.tell("call", f"{response.status} GET a token")
        return response

    def _note_copy(self, copy: Copy) -> None:
        self.copies.append(BegunCopy(self.clock.now(), copy.path, copy.source_path))
        if copy.source_expires is not None:
            self.lifetimes[copy.path] = timedelta(seconds=copy.source_expires - time.time())

    async def _take_any_vhd(self, lab: Any, vhd: Json) -> str:
        """DevTest Labs that make an image of whatever lies there: then only the app keeps an unfinished copy out."""
        uri = str(vhd.get("imageName") or "")
        copy = self.parts.copies.of(BlobPath.parse(uri.removeprefix(STORAGE)))
        if copy is not None and copy.status != "success":
            return f"a copy that is {copy.status}"
        return str(await type(self.parts.images)._check_vhd(self.parts.images, lab, vhd))

    async def _read_source(self, url: str) -> int:
        """As the storage service reads a copy's source: through the front, by its signature."""
        target = url.removeprefix(STORAGE)
        answer = await exchange(self.parts.front.handle, "HEAD", target, {"User-Agent": "axios/memory"}, b"")
        return answer.status

    def _enter_call(self) -> None:
        if self.strands.dead or self.died:
            if self.strands.current is None:
                raise requests.ConnectionError("the process is dead")
            raise Killed
        self.strands.give_way()
        self._enter_token_call()

    def _enter_token_call(self) -> None:
        if self.strands.current is not None:
            self.watch.reach("before", A_CALL)

    def sleep(self, seconds: float) -> None:
        """A pause within an activity: others move meanwhile."""
        due = self.clock.now() + timedelta(seconds=seconds)
        if self.strands.current is None:
            # A poller of the SDK, on a thread of its own that the activity waits for.
            self.pass_by(seconds)
            return
        if self.strands.dead:
            raise Killed
        self.strands.stand_until(lambda wake: self.hub.agenda.add(due, wake))

    def pass_by(self, seconds: float) -> None:
        """A pause in which nobody else moves."""
        self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    def _load(self, world: Json, configuration: dict[str, bytes]) -> None:
        self._settled(self.parts.loader.load(world))
        # Before anything vanishes: roles that are assigned stay.
        self.parts.authorization.assign()
        for name, data in configuration.items():
            self.upload(name, data)

    def _settled(self, coroutine: Any) -> Any:
        return asyncio.run(coroutine)

    # --- The process around the app

    def _forget_process(self) -> None:
        """What a process keeps in memory is gone with it."""
        for cached in (
            settings_of_process,
            shared.azure.clients.credential,
            shared.azure.clients.devtestlabs,
            shared.azure.clients.compute,
            shared.azure.clients.blob_service,
            shared.journal._document,
        ):
            cached.cache_clear()
        self._get_lab = lru_cache(shared.azure.labs.get_lab)

    @contextmanager
    def _at_home(self, world: Json, settings: dict[str, str]) -> Generator[None, None, None]:
        """The app's settings lead to the simulator, its transport to the wire, its worker threads to this one."""

        def is_silent() -> bool:
            return self.troubles.is_silent

        wire = Wire(self.handlers, self._enter_call, self.sleep, is_silent)
        transport = LaboratoryTransport(wire, self.sleep)
        # MSAL holds a lock while it asks for a token: nobody else may move meanwhile.
        tokens = LaboratoryTransport(Wire(self.handlers, self._enter_token_call, self.pass_by, is_silent), self.pass_by)
        credential = lru_cache(lambda: ManagedIdentityCredential(transport=tokens))
        environment = {
            "FACTORY_LAB_ID": world["factoryLab"],
            "APP_ID": "laboratory",
            "CONFIGURATION_ACCOUNT": SYSTEM_ACCOUNT,
            "JOURNAL_ACCOUNT": SYSTEM_ACCOUNT,
            "ARM_ENDPOINT": ARM,
            "BLOB_ENDPOINT": STORAGE + "/{account}",
            "IDENTITY_ENDPOINT": IDENTITY,
            "IDENTITY_HEADER": "app",
            "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING": "1",
            **settings,
        }
        with _changed(os.environ, environment), _attributes(
            (shared.azure.clients, "_transport", lambda: transport),
            (shared.azure.clients, "credential", credential),
            *_wherever("settings", settings_of_process, self._settings),
            *_wherever("factory_lab", shared.azure.labs.factory_lab, self._factory_lab),
            (shared.side_by_side, "ThreadPoolExecutor", _OneByOne),
            (sys.modules[HistoryEvent.__module__], "dt_parse", _parsed_once),
            # A container's client wraps the transport, and its wrapper sleeps by itself.
            (TransportWrapper, "sleep", lambda _, seconds: transport.sleep(seconds)),
        ), self.captured_logs:  # fmt: skip
            yield

    @contextmanager
    def _reproducible(self) -> Generator[None, None, None]:
        """Ids and jitter come from the seed."""
        ids = random.Random(f"ids {self.conditions.seed}")
        jitter = SimpleNamespace(Random=lambda: self.random)
        with _attributes(
            (uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4)),
            (storage_policies, "random", jitter),
        ):
            yield


_parsed_once = lru_cache(maxsize=4096)(sys.modules[HistoryEvent.__module__].dt_parse)
"""Every replay parses the same timestamps: it costs the laboratory a tenth of its time."""


class _OneByOne:
    """Stands for the thread pool within an activity: its calls go one after the other, in order."""

    def __init__(self, count: int) -> None:
        del count

    def __enter__(self) -> "_OneByOne":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to wait for."""

    def map(self, function: Callable[[Any], Any], values: Any) -> Iterator[Any]:
        return map(function, values)


class _Logs(logging.Handler):
    """Everything that is logged during a case, as text: secrets are looked for in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> "_Logs":
        self.lines = []
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)


@contextmanager
def _changed(environment: Any, values: dict[str, str]) -> Generator[None, None, None]:
    before = {name: environment.get(name) for name in values}
    environment.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value


def _wherever(name: str, right: Any, other: Any) -> list[tuple[Any, str, Any]]:
    """What takes the place of a function wherever it is known by its name."""
    modules = list(sys.modules.values())
    return [(module, name, other) for module in modules if getattr(module, "__dict__", {}).get(name) is right]


@contextmanager
def _attributes(*changes: tuple[Any, str, Any]) -> Generator[None, None, None]:
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, value in changes:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
