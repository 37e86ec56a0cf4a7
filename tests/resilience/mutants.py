# ruff: noqa: E501 - a table of places in the code
"""Break the app in listed ways, one at a time: an experiment must see each. `python -m tests.resilience.mutants [N ...]`.

The list is about what keeps a run together: error handling, the seam, the claim and the fence, tickets, exports and copies, settling
and sweeping. Each is a mistake that a person could make.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.resilience.laboratory import REPOSITORY

NEEDED = 0.95
_COPIED = ("activities", "api", "orchestrators", "shared", "local", "infra", "tests/resilience")
_FILES = ("function_app.py", "host.json", "tests/e2e/worlds.py")


@dataclass(frozen=True)
class Mutant:
    """In `file` the one place that reads `old` reads `new`. `about` are the activities that it should show in."""

    file: str
    old: str
    new: str
    about: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())[:60]} -> {' '.join(self.new.split())[:60] or 'nothing'}"


ERRORS, DURABLE = "shared/azure/errors.py", "shared/durable.py"
JOURNAL, CLAIM, TAKE = "shared/journal.py", "shared/domain/claim.py", "activities/claim.py"
TICKETS, ISSUE = "activities/tickets.py", "shared/domain/tickets.py"
DELIVERY, CAPTURE, GRANTS = "activities/delivery.py", "activities/capture.py", "activities/grants.py"
BLOBS, VHDS, DISKS = "shared/azure/blobs.py", "shared/azure/vhds.py", "shared/azure/disks.py"
COPIES, INSPECTION, MARKS = "activities/copies.py", "activities/inspection.py", "activities/marks.py"
LANES, RUN, WAITING = "orchestrators/lanes.py", "orchestrators/factory_run.py", "shared/domain/waiting.py"
REPORT, CONFIGURATION = "activities/report.py", "activities/configuration.py"
DELIVER, CAPTURING, GENERALIZE = "orchestrators/delivery.py", "orchestrators/capture.py", "activities/generalize.py"

MUTANTS = (
    # Errors
    Mutant(ERRORS, "_TRANSIENT = {408, 429, 500, 502, 503, 504, 507}", "_TRANSIENT = {408, 429, 502, 503, 504, 507}", ("begin_copy",)),
    Mutant(ERRORS, "_TRANSIENT = {408, 429, 500, 502, 503, 504, 507}", "_TRANSIENT = {408, 500, 502, 503, 504, 507}", ("begin_copy",)),
    Mutant(ERRORS, "_TRANSIENT = {408, 429, 500, 502, 503, 504, 507}", "_TRANSIENT = {408, 429, 500, 502, 504, 507}", ("begin_copy",)),
    Mutant(ERRORS, "            return TransientError(code, message, _retry_after(error))", "            return TransientError(code, message)", ("storm",)),
    Mutant(ERRORS, '        return TransientError("NoAnswer", f"Could', '        return RejectedError("NoAnswer", f"Could', ("begin_copy",)),
    Mutant(ERRORS, "        if error.status_code in (404, 410) and", "        if error.status_code in (404, 409, 410) and", ("begin_custom_image",)),
    Mutant(ERRORS, "    except AzureError as error:\n        raise translated(error, what) from None", "    except AzureError:\n        raise", ("begin_copy",)),
    # The seam
    Mutant(DURABLE, "        if not isinstance(failure, TransientError):\n            raise failure", "        raise failure", ("read_configuration", "take_claim")),
    Mutant(DURABLE, "CRASHES = 4", "CRASHES = 1", ("begin_copy",)),
    Mutant(DURABLE, "            crashes += 1\n", "            crashes += 4\n", ("copy_pending",)),
    Mutant(DURABLE, "if crashes >= CRASHES or context.current_utc_datetime - begun >= PATIENCE:", "if crashes >= CRASHES:", ("lasting",)),
    Mutant(DURABLE, "PATIENCE = timedelta(hours=1)", "PATIENCE = timedelta(seconds=1)", ("read_configuration", "storm")),
    Mutant(DURABLE, "        pause = failure.retry_after or timedelta", "        pause = timedelta", ("storm",)),
    Mutant(DURABLE, "        if not progress.pending:\n            return None", "        if progress.pending:\n            return None", ("copy_pending",)),
    Mutant(DURABLE, "        deadline.check(now - begun, now - moved, progress)\n", "", ("long",)),
    Mutant(DURABLE, '_CRASHED: dict[str, Any] = {"error": "ActivityFailed", "message": "", "transient": True}', '_CRASHED: dict[str, Any] = {"error": "ActivityFailed", "message": "", "kind": "PermanentError", "next": ""}', ("inspect_lab",)),
    Mutant(DURABLE, "            if isinstance(failure, TransientError):\n                results.append((yield from call", "            if failure is None and answer is None:\n                results.append((yield from call", ("inspect_lab",)),
    Mutant(DURABLE, "            try:\n                answers.append((yield task))\n            except Exception:\n                answers.append(None)", "            answers.append((yield task))", ("inspect_lab",)),
    Mutant(DURABLE, "        except FactoryError as error:\n            return _envelope(error)\n        except Exception as error:\n            raise RuntimeError", "        except Exception as error:\n            raise RuntimeError", ("storm", "lasting")),
    Mutant(DURABLE, "redacted(str(what))[:_LONGEST_MESSAGE]", "str(what)[:_LONGEST_MESSAGE]", ("secrets",)),
    Mutant(WAITING, "        if waited >= self.within:", "        if waited > self.within * 2:", ("long",)),
    Mutant(WAITING, "        if self.stalled_after and progress.total_bytes and unmoved >= self.stalled_after:", "        if False and self.stalled_after and progress.total_bytes and unmoved >= self.stalled_after:", ("stalled",)),
    # The claim and the fence
    Mutant(CLAIM, "    if claim.held_by(run):\n        return claim\n", "", ("take_claim",)),
    Mutant(CLAIM, "    if claim.state is ClaimState.HELD and claim.app != app:", "    if False:", ("two",)),
    Mutant(CLAIM, "    if claim.run >= run:", "    if claim.run > run + '~':", ("take_claim", "two")),
    Mutant(CLAIM, "        return self.state is ClaimState.HELD and self.run == run", "        return self.run == run", ("release_claim",)),
    Mutant(CLAIM, "return replace(self, run=run, took_over=False, rung=False, cancelled=False)", "return self", ("configuration",)),
    Mutant(TAKE, "        if claim is not None and claim.held_by(release.next_run):\n            return ReleaseAnswer(Released.HANDED_OVER)\n", "", ("configuration",)),
    Mutant(TAKE, "left_by(release.whole, _etag_or(claim.seen_etag), release.next_run)", "left_by(release.whole, claim.seen_etag, release.next_run)", ("configuration",)),
    Mutant(TAKE, "        if write_claim(run.account, left, read):\n            return", "        if write_claim(run.account, left, read) or True:\n            return", ("configuration", "release_claim")),
    Mutant(JOURNAL, "    if claim is None or not claim.held_by(run.id):\n        raise PermanentError", "    if claim is None:\n        raise PermanentError", ("two",)),
    Mutant(JOURNAL, "    if claim.cancelled and (begins or kind is not None):", "    if False and begins:", ("cancel",)),
    Mutant(JOURNAL, "    if kind is not None and Journal(run.id).has_outcome(kind, key):", "    if False and kind is not None and key:", ("begin_copy", "begin_capture_copy")),
    Mutant(JOURNAL, "return container.replace(CLAIM, data, read.etag) if read.claim", "return bool(container.client.upload_blob(CLAIM, data, overwrite=True)) if read.claim", ("configuration", "two")),
    Mutant(JOURNAL, "            return outcome\n        return from_json(self.container.get(name).data, Outcome)", "            return outcome\n        raise ValueError(name)", ("settle_delivery",)),
    Mutant(RUN, "    if taken.took_over:", "    if False:", ("slow",)),
    Mutant(RUN, '    lost = error.code == "Fenced"', "    lost = False", ("two",)),
    Mutant(RUN, "        continue_as_new(context, RunRequest(next_run))", "        pass", ("configuration",)),
    Mutant(RUN, "    except PermanentError as error:\n        summary = yield from _refused(context, run, error)", "    except ZeroDivisionError as error:\n        summary = yield from _refused(context, run, error)", ("lasting", "two")),
    Mutant(CONFIGURATION, "        _note_seen(run, frozen.lay_there)\n", "        pass\n", ("configuration", "read_configuration")),
    # Tickets and lanes
    Mutant(ISSUE, "    if number == last.number:\n        return tickets, Answer.WORK, last.index\n", "", ("next_ticket",)),
    Mutant(ISSUE, "        left=tuple(other for other in tickets.left if other != index),", "        left=tickets.left,", ("next_ticket",)),
    Mutant(ISSUE, "        lanes={**tickets.lanes, str(lane): Issued(number, index, now)},", "        lanes=tickets.lanes,", ("next_ticket",)),
    Mutant(COPIES, "        if claim is not None and claim.cancelled:", "        if claim is None:", ("cancel",)),
    Mutant(RUN, "    if error.code == CANCELLED:", "    if error is None:", ("cancel",)),
    Mutant(TICKETS, "        if issued is tickets or journal.container.replace(path, to_json(issued), blob.etag):", "        if journal.container.replace(path, to_json(issued), blob.etag) or True:", ("next_ticket", "mixed")),
    Mutant(TICKETS, "    journal.write(name, Tickets(tuple(index for index, key in keys if key not in ended)))", "    journal.write(name, Tickets(tuple(index for index, key in keys if key in ended)))", ("open_round",)),
    Mutant(LANES, "ROUNDS = 2", "ROUNDS = 1", ("ended", "operator")),
    Mutant(LANES, "    continue_as_new(context, replace(lane, next_ticket=lane.next_ticket + TICKETS_BEFORE_NEW))", "    continue_as_new(context, lane)", ("one lane",)),
    # Exports and captures
    Mutant(GRANTS, "        if exported:\n            disks.revoke(disk.id)\n", "", ("begin_capture_copy",)),
    Mutant(GRANTS, "        if exported and found is None:", "        if exported:", ("begin_capture_copy",)),
    Mutant(GRANTS, "    disks.revoke(from_json(found.data, GrantRecord).disk)\n", "", ("release_disk",)),
    Mutant(GRANTS, "    claim_container(run.account).delete(found.name, found.etag)\n", "", ("release_disk",)),
    Mutant(GRANTS, "        if found is not None and _owner(found) != run.id:\n            try:", "        if False and found is not None:\n            try:", ("abandoned",)),
    Mutant(CAPTURE, "    if found is None:\n        record_grant(run, capture.disk)\n", "", ("begin_capture_copy",)),
    Mutant(CAPTURE, "    vhd = vhds.find_vhd(capture.vhd)\n    if vhd is None or vhds.exists(capture.manifest):\n        return\n", "    return\n", ("begin_capture_copy", "two")),
    Mutant(CAPTURE, "    if not vhds.exists(capture.manifest):\n        vhds.remove(capture.vhd)\n    end_grant", "    vhds.remove(capture.vhd)\n    end_grant", ("settle_capture",)),
    Mutant(CAPTURE, "    if not vhds.exists(capture.manifest):\n        vhds.remove(capture.vhd)\n    end_grant", "    end_grant", ("partial capture", "begin_capture_copy")),
    Mutant(CAPTURE, "        vhds.remove(capture.vhd)\n    end_grant(run, capture.disk)\n    return outcome", "        vhds.remove(capture.vhd)\n    return outcome", ("partial capture",)),
    Mutant(DISKS, "        if get_disk(disk_id).traits.is_exported:", "        if False:", ("begin_capture_copy",)),
    Mutant(CAPTURING, "    except PermanentError as error:\n        outcome = Outcome.failed(error)", "    except ZeroDivisionError as error:\n        outcome = Outcome(Ending.FAILED, str(error))", ("partial capture",)),
    Mutant(GENERALIZE, "    if not ready.generalize or _is_begun(run, vm):", "    if not ready.generalize:", ("begin_generalize",)),
    # Copies, deliveries, the sweep
    Mutant(COPIES, '    if vhd.copy_status == "pending":', '    if vhd.copy_status == "nothing":', ("copy_pending",)),
    Mutant(COPIES, '    if vhd.copy_status != "success":', "    if False:", ("partial",)),
    Mutant(COPIES, "    if copy.size_bytes is not None and vhd.size_bytes != copy.size_bytes:", "    if False:", ("short",)),
    Mutant(DELIVERY, "    finally:\n        # Also when it failed: it may have been begun all the same.\n        _look_again(run, delivery)", "    finally:\n        pass", ("begin_copy", "two")),
    Mutant(DELIVERY, "    if (found := labs.find_custom_image(lab.id, image.name)) is not None:\n        return _adopted(work, found)\n    try:", "    try:", ("begin_custom_image",)),
    Mutant(DELIVERY, "    except RejectedError:\n        # After any error look, then decide (C17): a repeat of this very call may have been first.", "    except ZeroDivisionError:\n        # After", ("begin_custom_image",)),
    Mutant(DELIVERY, "    outcome = Journal(run.id).settle(Kind.PAIRS, delivery.key, end.outcome)\n    _remove_copy(delivery)", "    _remove_copy(delivery)\n    outcome = Journal(run.id).settle(Kind.PAIRS, delivery.key, end.outcome)", ("settle_delivery", "begin_copy", "two")),
    Mutant(DELIVERY, "    if not _reads(delivery, target.url(delivery.vhd)):\n        target.remove", "    if _reads(delivery, target.url(delivery.vhd)):\n        target.remove", ("settle_delivery",)),
    Mutant(VHDS, "match_condition=MatchConditions.IfMissing)", "timeout=30)", ("begin_copy", "mixed")),
    Mutant(VHDS, '        if vhd.copy_status == "pending":\n            with attempting(f"abort', '        if False:\n            with attempting(f"abort', ("long", "operator")),
    Mutant(VHDS, '                if error_code(error) not in ("BlobAlreadyExists", "PendingCopyOperation"):', "                if True:", ("begin_copy", "mixed")),
    Mutant(BLOBS, "                if error.status_code in (404, 412):\n                    return False\n                raise", "                if error.status_code == 412:\n                    return True\n                raise", ("next_ticket", "two", "mixed")),
    Mutant(BLOBS, '                if error_code(error) == "BlobAlreadyExists":\n                    return False', '                if error_code(error) == "BlobAlreadyExists":\n                    raise ValueError(name) from None', ("take_claim",)),
    Mutant(BLOBS, '            if error_code(error) != "ContainerNotFound":\n                raise\n            self._make()', "            raise", ("take_claim",)),
    Mutant(MARKS, "marks.get(FACTORY) == run.factory and marks.get(KIND) == kind", "marks.get(KIND) == kind", ()),
    Mutant(MARKS, " and marks.get(RUN, run.id) != run.id", "", ("inspect_lab", "inspect_factory", "operator")),
    Mutant(INSPECTION, "lambda vhds, being_read: sweep_copies(run, vhds, being_read)", "lambda vhds, being_read: None", ()),
    Mutant(INSPECTION, "    except PermanentError as error:\n        return LabStock(problem=Outcome.failed(error))", "    except ZeroDivisionError as error:\n        return LabStock(problem=Outcome.failed(error))", ("vanished",)),
    Mutant(DELIVER, "    except PermanentError as error:\n        outcome = Outcome.failed(error)", "    except ZeroDivisionError as error:\n        outcome = Outcome(Ending.FAILED, str(error))", ("partial",)),
    Mutant(DELIVER, "            continue_as_new(context, replace(work, copying=copying))", "            continue_as_new(context, work)", ("long",)),
    Mutant(REPORT, "    if closing.run is not None:\n        fence(closing.run)\n", "", ("write_report",)),
)  # fmt: skip


def main() -> int:
    chosen = [int(number) for number in sys.argv[1:]] or list(range(len(MUTANTS)))
    begun = time.monotonic()
    with ThreadPoolExecutor(int(os.environ.get("WORKERS", os.cpu_count() or 1))) as pool:
        seen = [0, 0]
        playing = {pool.submit(killed_by, number): number for number in chosen}
        for future in as_completed(playing):
            number, case = playing[future], future.result()
            seen[bool(case)] += 1
            print(f"{number:3} {'killed by ' + case if case else 'SURVIVED':40} {MUTANTS[number]}", flush=True)
    print(f"{len(chosen)} mutants, {seen[1]} killed, {seen[0]} survived ({time.monotonic() - begun:.0f} s)")
    return 0 if seen[1] >= NEEDED * len(chosen) else 1


def killed_by(number: int) -> str:
    """The case that turns red for this mutant; empty when none does."""
    mutant = MUTANTS[number]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in _COPIED:
            shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
        file = root / mutant.file
        file.write_text(mutated(file.read_text("utf-8"), mutant), "utf-8")
        command = [sys.executable, "-m", "tests.resilience.battery", *mutant.about]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        # A module that cannot be imported says nothing at all.
        return (done.stdout.strip() or done.stderr.strip()).splitlines()[-1] if done.returncode else ""


def mutated(text: str, mutant: Mutant) -> str:
    """Raises ValueError when the mutant's place is not there exactly once: the list must keep up with the code."""
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant}: its place is there {text.count(mutant.old)} times")
    return text.replace(mutant.old, mutant.new)


if __name__ == "__main__":
    sys.exit(main())
