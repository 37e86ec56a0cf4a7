"""Durable timers on a clock that jumps: hours pass in no time, in step with the simulator's clock."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.host import LocalHost
from local.host.agenda import Agenda
from local.host.clock import VirtualClock
from tests.local.host.orchestrations import Orchestrations

START = datetime(2026, 11, 23, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Simulator(ThreadingHTTPServer):
    """Only a clock, which tells how it was moved."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ClockHandler)
        self.now, self.steps = START, list[float]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _ClockHandler(BaseHTTPRequestHandler):
    @property
    def simulator(self) -> Simulator:
        assert isinstance(self.server, Simulator)
        return self.server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        assert self.path == "/__sim/clock"
        self.simulator.steps.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["advance"])
        self.simulator.now += timedelta(seconds=self.simulator.steps[-1])
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"now": self.simulator.now.isoformat()}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def agenda(clock: VirtualClock) -> Iterator[Agenda]:
    agenda = Agenda(clock)
    agenda.start()
    yield agenda
    agenda.stop()


def test_the_clock_jumps_to_what_is_due_next(agenda: Agenda, clock: VirtualClock):
    seen: list[datetime] = []
    last = threading.Event()

    def see() -> None:
        seen.append(clock.now())
        if len(seen) == 2:
            last.set()

    agenda.add(START + 2 * HOUR, see)
    agenda.add(START + HOUR, see)
    assert last.wait(5)
    assert seen == [START + HOUR, START + 2 * HOUR]


def test_the_clock_stands_still_while_somebody_works(agenda: Agenda, clock: VirtualClock):
    happened = threading.Event()
    with agenda.work():
        agenda.add(START + HOUR, happened.set)
        assert not happened.wait(0.2)
        assert clock.now() == START
    assert happened.wait(5)


def test_a_clock_moved_by_hand_lets_things_happen_even_while_somebody_works(agenda: Agenda, clock: VirtualClock):
    happened = threading.Event()
    with agenda.work():
        agenda.add(START + HOUR, happened.set)
        clock.advance(2 * HOUR)
        assert happened.wait(5)


def test_no_clock_jumps_for_what_nobody_wants_any_more(agenda: Agenda, clock: VirtualClock):
    agenda.add(START + HOUR, lambda: None, wanted=lambda: False)
    last = threading.Event()
    agenda.add(START + timedelta(seconds=1), last.set)
    assert last.wait(5)
    time.sleep(0.1)
    assert clock.now() == START + timedelta(seconds=1)


def test_a_clock_never_goes_back(clock: VirtualClock):
    clock.advance_to(START - HOUR)
    assert clock.now() == START


@pytest.mark.slow
def test_hours_pass_in_no_time_in_step_with_the_simulator(new_host: Callable[..., LocalHost], simulator: Simulator):
    orchestrations = Orchestrations(new_host(virtual=simulator.url).url)
    begun = time.monotonic()
    ended = orchestrations.run("nap", 3 * 3600)
    assert time.monotonic() - begun < 60
    assert ended["output"] == 6 * 3600
    assert ended["createdTime"] == "2026-11-23T02:00:00Z"
    assert ended["lastUpdatedTime"] == "2026-11-23T08:00:00Z"
    assert simulator.steps == [3 * 3600, 3 * 3600]


@pytest.mark.slow
def test_an_instance_that_was_ended_moves_no_clock(new_host: Callable[..., LocalHost], simulator: Simulator):
    orchestrations = Orchestrations(new_host(virtual=simulator.url).url)
    orchestrations.start("leaves_work_open", 1.0, "working")  # the clock stands still for a second
    orchestrations.start("nap", 3600, "ended")
    orchestrations.operate("terminate", "ended")
    orchestrations.wait("working")
    assert orchestrations.run("nap", 1)["output"] == 2
    assert simulator.steps == [1, 1]


@pytest.mark.slow
def test_a_restarted_host_goes_on_at_the_simulators_time(new_host: Callable[..., LocalHost], simulator: Simulator):
    first = new_host(virtual=simulator.url)
    assert Orchestrations(first.url).run("nap", 3600)["output"] == 7200
    first.kill()
    again = Orchestrations(new_host(virtual=simulator.url).url).run("nap", 1)
    assert again["createdTime"] == "2026-11-23T04:00:00Z"
