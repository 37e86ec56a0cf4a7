from activities.capture import *
from activities.capture import CaptureEnd, CaptureWork
from activities.inspection import inspect_factory
from activities.planning import CAPTURE_PLAN, plan_captures_of_run
from shared.domain.capture import CapturePlan
from shared.journal import Journal
from shared.domain.outcomes import Ending, Outcome
from tests.activities.conftest import *
from tests.e2e.worlds import *
from datetime import timedelta
import time

def test_x(given):
    control = given(World().vm("golden", "Win2022\\Server.json"))
    run = started()
    upload(control, "labs.json", labs_json(asks("factory", "Win2022")))
    cfg = configured(run)
    inspect_factory(run)
    plan_captures_of_run(run)
    [c] = Journal(run.id).read(CAPTURE_PLAN, CapturePlan).captures
    w = CaptureWork(run, c, cfg.terms)
    control.clear_operations()
    t=time.time()
    copy = begin_capture_copy(w)
    print("begin", time.time()-t)
    control.advance(60)
    print(capture_copy_pending(copy))
    r = release_disk(w)
    print(write_capture_manifest(r))
    print(settle_capture(CaptureEnd(w, Outcome(Ending.CAPTURED))))
    for o in control.operations(): print(o["method"], o["path"], o["status"], o["effect"])
    print(effects(control))
    print(control.world()["disks"])
