"""An ordinary durable app with every shape that the embedded host must play; nothing in it knows of that host."""

# pyright: reportUntypedFunctionDecorator=false, reportMissingTypeArgument=false

import contextlib
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import azure.functions as func
from azure.durable_functions import DFApp, RetryOptions

app = DFApp(http_auth_level=func.AuthLevel.FUNCTION)
_lock = threading.Lock()
_tried: dict[str, int] = {}


def note(text):
    """What tests look at afterwards: a line for everything that happened."""
    if file := os.environ.get("NOTES"):
        with _lock, Path(file).open("a", encoding="utf-8") as notes:
            notes.write(f"{text}\n")


# --- From outside


@app.function_name("start")
@app.route("start/{name}/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    value = req.get_json() if req.get_body() else None
    try:
        instance = await client.start_new(req.route_params["name"], req.route_params.get("id"), value)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=409)
    return func.HttpResponse(instance, status_code=202, headers={"X-Instance": instance})


@app.function_name("operate")
@app.route("operate/{operation}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def operate(req: func.HttpRequest, client) -> func.HttpResponse:
    instance = req.route_params["id"]
    match req.route_params["operation"]:
        case "terminate":
            await client.terminate(instance, "enough")
        case "suspend":
            await client.suspend(instance, "a pause")
        case "resume":
            await client.resume(instance, "go on")
        case "event":
            await client.raise_event(instance, "go", req.get_json())
        case "purge":
            purged = await client.purge_instance_history(instance)
            return func.HttpResponse(str(purged.instances_deleted))
        case _:
            status = await client.get_status(instance, show_input=True)
            return func.HttpResponse(f"{status.runtime_status.name} {status.input_} {status.output}")
    return func.HttpResponse("ok")


@app.function_name("double")
@app.route("double/{number:int}", methods=["GET"])
def double(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(2 * int(req.route_params["number"])), mimetype="text/plain")


@app.function_name("broken_route")
@app.route("broken", methods=["GET"])
def broken_route(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError(f"no answer to {req.method}")


@app.function_name("admin_route")
@app.route("admin/hello", methods=["GET"])
def admin_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"never reached by {req.method}")


@app.function_name("tick")
@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    note(f"tick {timer.past_due}")


@app.function_name("arrived")
@app.blob_trigger(arg_name="blob", path="%INBOX%/{name}.json", connection="Uploads", source=func.BlobSource.EVENT_GRID)
@app.durable_client_input(client_name="client")
async def arrived(blob: func.InputStream, client) -> None:
    text = blob.read().decode()
    note(f"blob {blob.name} {text}")
    if text == "poison":
        raise ValueError("not this one")
    await client.start_new("chain", None, 1)


# --- Orchestrators that behave


@app.orchestration_trigger(context_name="context")
def chain(context):
    value = context.get_input() or 0
    for _ in range(3):
        value = yield context.call_activity("add_one", value)
    context.set_custom_status({"value": value})
    return {"value": value, "parent": context.parent_instance_id, "version": context.version}


@app.orchestration_trigger(context_name="context")
def fan_out(context):
    results = yield context.task_all([context.call_activity("add_one", i) for i in range(context.get_input())])
    return sum(results)


@app.orchestration_trigger(context_name="context")
def family(context):
    number, name = context.get_input()["children"], context.get_input().get("name", "leaf")
    tasks = [context.call_sub_orchestrator(name, i, f"{context.instance_id}:{i}") for i in range(number)]
    return sum((yield context.task_all(tasks)))


@app.orchestration_trigger(context_name="context")
def leaf(context):
    return context.get_input() + 1
    yield


@app.orchestration_trigger(context_name="context")
def lanes(context):
    given = context.get_input()
    tasks = [
        context.call_sub_orchestrator(
            "lane", {"left": given["each"], "done": 0}, f"{context.instance_id}:lane:{number}"
        )
        for number in range(given["lanes"])
    ]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def lane(context):
    """Two activities, then continue as new, until nothing is left."""
    given = context.get_input()
    done, left = given["done"], given["left"]
    for _ in range(min(2, left)):
        yield context.call_activity("add_one", done)
        done, left = done + 1, left - 1
    if left:
        context.continue_as_new({"left": left, "done": done})
        return None
    return done


@app.orchestration_trigger(context_name="context")
def lanes_of_patience(context):
    """Children in one task_all, each repeating what fails."""
    tasks = [context.call_sub_orchestrator("careful", number) for number in range(context.get_input())]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def careful(context):
    for _ in range(5):
        try:
            return (yield context.call_activity("add_one", context.get_input()))
        except Exception:
            yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return None


@app.orchestration_trigger(context_name="context")
def nap(context):
    """Sleep twice on durable timers, each time the seconds given."""
    begun = context.current_utc_datetime
    for _ in range(2):
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    return (context.current_utc_datetime - begun).total_seconds()


@app.orchestration_trigger(context_name="context")
def approval(context):
    deadline = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    answer = context.wait_for_external_event("go")
    winner = yield context.task_any([answer, deadline])
    if winner is deadline:
        return "too late"
    deadline.cancel()
    after = yield context.call_activity("add_one", 1)
    return {"answer": answer.result, "after": after}


@app.orchestration_trigger(context_name="context")
def patient(context):
    """A failure is waited out in steps of its own: the shape that keeps in step on Azure."""
    for attempt in range(5):
        try:
            return (yield context.call_activity("flaky", {"key": context.instance_id, "failures": 2}))
        except Exception as error:
            context.set_custom_status({"attempt": attempt, "error": str(error)})
            yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return None


@app.orchestration_trigger(context_name="context")
def retried_alone(context):
    options = RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=2)
    ok = yield context.call_activity_with_retry("flaky", options, {"key": context.instance_id, "failures": 1})
    try:
        yield context.call_activity_with_retry("flaky", options, {"key": "never", "failures": 99})
    except Exception as error:
        after = yield context.call_activity("add_one", ok)
        return [ok, str(error).splitlines()[0], after]


@app.orchestration_trigger(context_name="context")
def every_failure(context):
    """task_all tells the first failure; each task alone still has its answer."""
    keys = [{"key": f"{context.instance_id}/{i}", "failures": 99 if i % 2 else 0, "seconds": i / 50} for i in range(4)]
    tasks = [context.call_activity("flaky", key) for key in keys]
    with contextlib.suppress(Exception):
        yield context.task_all(tasks)
    answers = []
    for task in tasks:
        try:
            answers.append((yield task))
        except Exception:
            answers.append("failed")
    last = yield context.call_activity("add_one", 41)
    return [*answers, last]


@app.orchestration_trigger(context_name="context")
def leaves_work_open(context):
    """Answers before its slower task has ended."""
    fast, slow = context.call_activity("add_one", 1), context.call_activity("sleep", context.get_input())
    yield context.task_any([fast, slow])
    return "fast"


@app.orchestration_trigger(context_name="context")
def steps(context):
    for number in range(context.get_input()):
        yield context.call_activity("sleep", 0.1)
        context.set_custom_status(number)
    return "done"


@app.orchestration_trigger(context_name="context")
def nothing(context):
    yield context.call_activity("add_one", 1)


# --- Orchestrators that fail


@app.orchestration_trigger(context_name="context")
def raising(context):
    yield context.call_activity("add_one", 1)
    raise ValueError("kaput")


@app.orchestration_trigger(context_name="context")
def parent_of_failure(context):
    try:
        yield context.call_sub_orchestrator(context.get_input(), 0)
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def typo(context):
    yield context.call_activity("ad_one", 1)


@app.orchestration_trigger(context_name="context")
def talkative(context):
    context.set_custom_status("x" * context.get_input())
    yield context.call_activity("add_one", 1)
    return "told"


@app.orchestration_trigger(context_name="context")
def fickle(context):
    with _lock:
        _tried[context.instance_id] = _tried.get(context.instance_id, 0) + 1
    yield context.call_activity("add_one" if _tried[context.instance_id] == 1 else "sleep", 0)


@app.orchestration_trigger(context_name="context")
def calls_http(context):
    yield context.call_http("GET", "http://127.0.0.1:1/")


# --- Orchestrators that get out of step on Azure


@app.orchestration_trigger(context_name="context")
def window(context):
    """A sliding window of task_any over a pool."""
    waiting = [context.call_activity("sleep", seconds) for seconds in (0.1, 0.2, 0.3, 0.6, 0.1, 0.1)]
    running, waiting = waiting[:3], waiting[3:]
    while running:
        done = yield context.task_any(running)
        running.remove(done)
        if waiting:
            running.append(waiting.pop(0))
    return "slid"


@app.orchestration_trigger(context_name="context")
def hasty(context):
    """Cleans up after a failed task_all while a sibling still works."""
    try:
        yield context.task_all(
            [
                context.call_activity("flaky", {"key": context.instance_id, "failures": 99}),
                context.call_activity("sleep", 0.5),
            ]
        )
    except Exception:
        yield context.call_activity("add_one", 1)
    return "cleaned"


@app.orchestration_trigger(context_name="context")
def retries_in_fan_out(context):
    options = RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=2)
    given = [{"key": f"{context.instance_id}/{i}", "failures": 99, "seconds": i / 5} for i in range(3)]
    try:
        yield context.task_all([context.call_activity_with_retry("flaky", options, one) for one in given])
    except Exception:
        return (yield context.call_activity("add_one", 1))


# --- Activities


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    note(f"add_one {number}")
    return number + 1


@app.activity_trigger(input_name="seconds")
def sleep(seconds: float) -> str:
    time.sleep(seconds)
    note("slept")
    return "z"


@app.activity_trigger(input_name="given")
async def flaky(given: dict) -> int:
    """Fails the first times it is asked under a key."""
    time.sleep(given.get("seconds", 0))
    with _lock:
        _tried[given["key"]] = number = _tried.get(given["key"], 0) + 1
    if number <= given["failures"]:
        raise RuntimeError(f"attempt {number}")
    return number
