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
from activities.configuration import CONFIGURATION_BLOBS, configuration_etag, read_configuration
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
from activities.notify import notify
from activities.planning import plan_captures_of_run, plan_distribution_of_run
from activities.report import write_report
from activities.tickets import close_unfinished, next_ticket, note_speed, open_round
from api.answers import answered
from api.explaining import explained
from api.openapi import described
from api.reports import reported
from api.runs import cancelled, run, runs_listed, start_or_plan
from api.uploads import report_on_upload
from orchestrators.capture import capture
from orchestrators.delivery import deliver
from orchestrators.factory_run import factory_run
from orchestrators.inspection import inspect_labs
from orchestrators.lanes import lane_of_work
from shared.durable import register_activities, register_orchestrators
from shared.starting import configuration_arrived, start_run

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
    notify,
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
        await asyncio.to_thread(report_on_upload)
        await configuration_arrived(client, factory_run, configuration_etag)  # pyright: ignore


@app.function_name("start")
@app.route("runs", methods=[func.HttpMethod.POST])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """POST /api/runs: start a run, or plan one."""
    return await answered(start_or_plan(client, factory_run, req.get_body()), req.headers)  # pyright: ignore


@app.function_name("runs")
@app.route("runs", methods=[func.HttpMethod.GET])
@app.durable_client_input(client_name="client")
async def runs(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """GET /api/runs: list the runs."""
    return await answered(runs_listed(client, req.params), req.headers)  # pyright: ignore


@app.function_name("status")
@app.route("runs/{runId}", methods=[func.HttpMethod.GET])
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """GET /api/runs/{runId}: look at one run."""
    return await answered(run(client, req.route_params["runId"]), req.headers)  # pyright: ignore


@app.function_name("report")
@app.route("runs/{runId}/report", methods=[func.HttpMethod.GET])
@app.durable_client_input(client_name="client")
async def report(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """GET /api/runs/{runId}/report: the report of a run, as the header Accept or `?format=` asks."""
    return await answered(reported(client, req.route_params["runId"], req.headers, req.params), req.headers)  # pyright: ignore


@app.function_name("cancel")
@app.route("runs/{runId}/cancel", methods=[func.HttpMethod.POST])
@app.durable_client_input(client_name="client")
async def cancel(req: func.HttpRequest, client) -> func.HttpResponse:  # pyright: ignore
    """POST /api/runs/{runId}/cancel: have a run end before its work is done."""
    return await answered(cancelled(client, req.route_params["runId"]), req.headers)  # pyright: ignore


@app.function_name("explain")
@app.route("explain", methods=[func.HttpMethod.GET])
async def explain(req: func.HttpRequest) -> func.HttpResponse:
    """GET /api/explain: why a lab gets an image, or why not."""
    return await answered(explained(req.params), req.headers)


@app.function_name("openapi")
@app.route("openapi.json", methods=[func.HttpMethod.GET])
async def openapi(req: func.HttpRequest) -> func.HttpResponse:
    """GET /api/openapi.json: the API as it describes itself."""
    return await answered(described(), req.headers)
