"""What starts the factory, and the list of everything it is made of."""

import asyncio
import logging
import os

import azure.functions as func
from azure.durable_functions import DFApp

from activities.capture import (
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    settle_capture,
    write_capture_manifest,
)
from activities.claim import release_claim, take_claim
from activities.configuration import (
    CONFIGURATION_BLOBS,
    configuration_etag,
    read_configuration,
    report_on_configuration,
)
from activities.delivery import (
    begin_copy,
    begin_custom_image,
    begin_image_removal,
    copy_pending,
    custom_image_pending,
    image_removal_pending,
    settle_delivery,
)
from activities.generalize import (
    begin_deallocate,
    begin_generalize,
    deallocation_pending,
    end_generalize,
    generalize_pending,
)
from activities.inspection import (
    find_resource_groups,
    give_up_listing,
    inspect_factory,
    inspect_lab,
    set_lab_aside,
)
from activities.planning import plan_captures_of_run, plan_distribution_of_run
from activities.report import write_report
from activities.tickets import close_unfinished, next_ticket, note_speed, open_round
from orchestrators.capture import capture
from orchestrators.delivery import deliver
from orchestrators.factory_run import factory_run
from orchestrators.inspection import inspect_labs
from orchestrators.lanes import lane_of_work
from shared.domain.outcomes import RunState
from shared.durable import get_instance, register_activities, register_orchestrators
from shared.errors import FactoryError
from shared.report_forms import form_asked_for
from shared.requests import lanes_asked_for
from shared.starting import configuration_arrived, instance_id, start_run
from shared.watching import RunStatus, run_report, run_status
from shared.wire import to_json

CONFIGURATION_TRIGGER = (
    func.BlobSource.LOGS_AND_CONTAINER_SCAN
    if os.environ.get("CONFIGURATION_TRIGGER") == "Polling"
    else func.BlobSource.EVENT_GRID
)
"""The only setting that is read at import: the trigger's source is an argument of its decorator."""

app = DFApp(http_auth_level=func.AuthLevel.FUNCTION)

ORCHESTRATORS = (
    factory_run,
    lane_of_work,
    capture,
    inspect_labs,
    deliver,
)

ACTIVITIES = (
    take_claim,
    read_configuration,
    inspect_factory,
    plan_captures_of_run,
    open_round,
    next_ticket,
    begin_generalize,
    generalize_pending,
    begin_deallocate,
    deallocation_pending,
    end_generalize,
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    write_capture_manifest,
    settle_capture,
    find_resource_groups,
    give_up_listing,
    inspect_lab,
    set_lab_aside,
    plan_distribution_of_run,
    begin_copy,
    copy_pending,
    note_speed,
    begin_image_removal,
    image_removal_pending,
    begin_custom_image,
    custom_image_pending,
    settle_delivery,
    close_unfinished,
    write_report,
    release_claim,
)
"""In the order of a run."""

register_orchestrators(app, ORCHESTRATORS)
register_activities(app, ACTIVITIES)


@app.function_name("nightly")
@app.timer_trigger(arg_name="timer", schedule="%FACTORY_SCHEDULE%", run_on_startup=False, use_monitor=True)
@app.durable_client_input(client_name="client")
async def nightly(timer: func.TimerRequest, client) -> None:  # noqa: ARG001 # pyright: ignore
    """The nightly run. It may fire late or twice: a run that works makes it do nothing."""
    start = await start_run(client, factory_run)  # pyright: ignore
    logging.info("Run %s %s.", start.run_id, "started" if start.accepted else "is working already")


@app.function_name("configuration_uploaded")
@app.blob_trigger(  # pyright: ignore[reportUnknownMemberType]
    arg_name="blob",
    path="%CONFIGURATION_CONTAINER%/{name}",
    connection="ConfigurationStorage",
    source=CONFIGURATION_TRIGGER,
)
@app.durable_client_input(client_name="client")
async def configuration_uploaded(blob: func.InputStream, client) -> None:  # pyright: ignore
    """A new labs.json is checked, then starts a run or rings the one that works; any other upload starts nothing."""
    if (blob.name or "").partition("/")[2] in CONFIGURATION_BLOBS:
        for unwritten in await asyncio.to_thread(report_on_configuration):
            logging.warning("%s", unwritten.message)
        await configuration_arrived(client, factory_run, configuration_etag)  # pyright: ignore


@app.function_name("start")
@app.route("runs", methods=[func.HttpMethod.POST])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """POST /api/runs: 202 with the new run; 409 with the run that works; 400 with everything that is wrong in the body."""
    try:
        start = await start_run(client, factory_run, lanes_asked_for(req.get_body()))  # pyright: ignore
    except FactoryError as error:
        return _refusal(error)
    answer = {"runId": start.run_id, "status": f"/api/runs/{start.run_id}"}
    if not start.accepted:
        answer |= {"error": "RunWorking", "message": f"Run {start.run_id} works; one run at a time."}
    return _json(answer, 202 if start.accepted else 409, Location=answer["status"])


@app.function_name("status")
@app.route("runs/{runId}", methods=[func.HttpMethod.GET])
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """GET /api/runs/{runId}: 202 while it works, 200 when it has ended, 404 for a run that nobody knows."""
    try:
        instance = await get_instance(client, instance_id())  # pyright: ignore
        status = await asyncio.to_thread(run_status, req.route_params["runId"], instance)
    except FactoryError as error:
        return _refusal(error)
    return _json(status, 202 if status.state is RunState.RUNNING else 200)


@app.function_name("report")
@app.route("runs/{runId}/report", methods=[func.HttpMethod.GET])
@app.durable_client_input(client_name="client")
async def report(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """GET /api/runs/{runId}/report: as the header Accept or `?format=` asks; 202 while the run works, 404 where there is none."""
    try:
        form = form_asked_for(req.headers.get("Accept", ""), req.params.get("format", ""))  # pyright: ignore
        instance = await get_instance(client, instance_id())  # pyright: ignore
        found = await asyncio.to_thread(run_report, req.route_params["runId"], instance)
    except FactoryError as error:
        return _refusal(error)
    if isinstance(found, RunStatus):
        return _json(found, 202)
    return func.HttpResponse(form.render(found), mimetype=form.media_types[0], headers=form.headers)


def _refusal(error: FactoryError) -> func.HttpResponse:
    # What neither the request nor the run id is to blame for is the deployment's or Azure's trouble: settings, rights, outages.
    status = {"RequestInvalid": 400, "RunNotFound": 404, "ReportMissing": 404, "NotAcceptable": 406}.get(
        error.code, 503
    )
    return _json({"error": error.code, "message": error.message, "next": error.next_step}, status)


def _json(body: object, status: int, **headers: str) -> func.HttpResponse:
    if status == 202:
        headers["Retry-After"] = "10"
    return func.HttpResponse(to_json(body), status_code=status, mimetype="application/json", headers=headers)
