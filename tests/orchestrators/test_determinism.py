"""Orchestrators replay the same way each time; the check that says so is itself checked with planted faults."""

from pathlib import Path

import pytest

from tests.orchestrators.determinism import forbidden, forbidden_in_seam

ROOT = Path(__file__).parents[2]
ORCHESTRATORS = sorted((ROOT / "orchestrators").glob("*.py"))
MADE_OF = [ROOT / "shared" / "durable.py", *sorted((ROOT / "shared" / "domain").glob("*.py"))]


def test_there_is_something_to_look_at() -> None:
    assert {path.stem for path in ORCHESTRATORS} >= {"factory_run", "lanes", "delivery", "capture", "inspection"}


@pytest.mark.parametrize("path", ORCHESTRATORS, ids=lambda path: path.stem)
def test_an_orchestrator_replays_the_same_way_each_time(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MADE_OF, ids=lambda path: path.stem)
def test_what_orchestrators_are_made_of_replays_the_same_way_each_time(path: Path) -> None:
    assert forbidden_in_seam(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", ORCHESTRATORS, ids=lambda path: path.stem)
def test_an_orchestrators_functions_fit_on_one_screen(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize(
    "planted",
    [
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.utcnow()",
        "from datetime import date\nday = date.today()",
        "import time\ntime.sleep(1)",
        "from time import monotonic",
        "import uuid\nkey = uuid.uuid4()",
        "from uuid import uuid4\nkey = uuid4()",
        "import random\nrandom.random()",
        "import os\nos.environ['LANES']",
        "from os import environ",
        "text = open('labs.json').read()",
        "import pathlib",
        "import asyncio",
        "import threading",
        "import requests",
        "from shared.settings import settings\nlanes = settings().lanes",
        "print('here')",
        "key = hash('a')",
        "def f(c):\n    yield c.task_any([])",
        "def f(c):\n    yield c.call_activity_with_retry(a, o)",
        "def f(c):\n    yield c.call_sub_orchestrator_with_retry(a, o)",
        "def f(c):\n    yield c.call_activity('begin_copy', 1)",
        "def f(c):\n    yield c.task_all([])",
        "def f(c):\n    yield c.create_timer(1)",
        "def f(c):\n    yield c.wait_for_external_event('go')",
        "def f(c):\n    yield c.call_http('GET', 'https://a')",
        "def f(c):\n    yield from call(c, 'begin_copy', 1)",
        "def f(c):\n    yield from fan_out(c, 'inspect_lab', [])",
        "def f(c):\n    yield from call_child(c, 'deliver', 1, 'id')",
        "for key in {1, 2}:\n    pass",
        "for key in set(labs):\n    pass",
        "keys = [key for key in {lab.key for lab in labs}]",
        "keys = frozenset(labs)\nfor key in keys:\n    pass",
        "keys = list(set(labs))",
        "def f(keys: set[str]):\n    return [key for key in keys]",
        "for key in {1} | {2}:\n    pass",
        "for key in wanted - set(found):\n    pass",
        "first, *rest = [*{1, 2}]",
        "keys = list(map(key, {1, 2}))",
        "keys = [*zip({1, 2}, names)]",
        "text = ', '.join({'a', 'b'})",
        "first = {1, 2}.pop()",
        "for key in wanted.keys() - found.keys():\n    pass",
        "if keys := {1, 2}:\n    for key in keys:\n        pass",
        "for key in {1}.union(found):\n    pass",
        "from datetime import datetime as clock\nnow = clock.now",
        "import os.path",
        "import logging",
        "from shared.journal import Journal",
        "from shared.azure import labs",
        "from importlib import import_module",
        "clock = __import__('time')",
        "go = getattr(context, 'task' + '_any')",
        "from activities.claim import take_claim\ndef f(c, request):\n    return take_claim(request)",
        "from activities.delivery import begin_copy as begin\ndef f(c, work):\n    begin(work)",
        "async def f():\n    pass",
        "count = 0\ndef f():\n    global count\n    count += 1",
    ],
)
def test_each_planted_fault_is_found(planted: str) -> None:
    assert forbidden(planted)


@pytest.mark.parametrize(
    "planted",
    [
        "def f(c, tasks):\n    yield c.task_all([c.task_all(tasks), tasks[0]])",
        "def f(c, tasks):\n    both = c.task_all(tasks)\n    yield c.task_all([both])",
        "def f(c, tasks):\n    yield c.task_any([c.task_all(tasks)])",
        "def f(c, tasks):\n    yield c.task_any(tasks)",
        "def f(c):\n    yield c.call_activity_with_retry('a', options)",
        "def f(c):\n    yield c.create_timer(datetime.now(UTC) + pause)",
        "def f(c):\n    yield c.wait_for_external_event('go')",
        "key = str(uuid4())",
        "order = random.sample(lanes, 3)",
        "def f(keys: frozenset[str]):\n    return tuple(keys)",
    ],
)
def test_each_fault_planted_in_the_seam_is_found(planted: str) -> None:
    assert forbidden_in_seam(planted)


@pytest.mark.parametrize(
    "sound",
    [
        "for key in sorted({1, 2}):\n    pass",
        "if code in {'a', 'b'}:\n    pass",
        "count = len(set(labs))",
        "def f(context):\n    return context.current_utc_datetime, context.new_uuid()",
        "from datetime import timedelta\nlength = timedelta(minutes=3)",
        "def f(c):\n    yield from call(c, begin_copy, 1)",
        "from activities.claim import Released, take_claim\ndef f(c, r):\n    yield from call(c, take_claim, Released(r))",
        "for name, value in {'a': 1}.items():\n    pass",
        "keys = {1, 2}\ncount = max(keys) + sum(keys)",
    ],
)
def test_what_is_allowed_is_not_complained_about(sound: str) -> None:
    assert forbidden(sound) == []
