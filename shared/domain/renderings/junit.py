"""The report as JUnit XML: pipelines show each image in each lab as a test that passed, failed or was skipped."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared.domain.findings import Severity
from shared.domain.outcomes import Ending
from shared.domain.renderings.markup import Markup, element
from shared.domain.report import CaptureRow, PairRow, RunReport

CASES_OF_RUN = "run"
CASES_OF_CAPTURES = "golden VMs"


def as_junit(report: RunReport) -> str:
    """A suite for each lab and one for the golden VMs; errors in labs.json, and what ended the run, are failures of the run."""
    errors = [found for found in report.findings if found.severity is Severity.ERROR]
    run = [_case(CASES_OF_RUN, f"{e.code} {e.place}".strip(), Ending.FAILED, e.code, e.message, e.next) for e in errors]
    suites = [
        (CASES_OF_RUN, run),
        (CASES_OF_CAPTURES, [_row(CASES_OF_CAPTURES, row.vm, row) for row in report.captures]),
    ]
    suites += _labs(report.pairs)
    took = (report.ended_at - report.started_at).total_seconds()
    cases = [case for _, found in suites for case in found]
    xml = element(
        "testsuites",
        *(_suite(report, name, found) for name, found in suites if found),
        name=f"Image factory run {report.run_id}",
        **_sums(cases),
        time=f"{took:.3f}",
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'


def _labs(pairs: Iterable[PairRow]) -> list[tuple[str, list["Case"]]]:
    labs: defaultdict[str, list[Case]] = defaultdict(list)
    for row in pairs:
        lab = "/".join(filter(None, (row.subscription_id, row.resource_group, row.lab)))
        labs[lab].append(_row(lab, row.image or row.image_path, row))
    return list(labs.items())


Case = tuple[Ending, Markup]


def _row(suite: str, name: str, row: CaptureRow | PairRow) -> Case:
    return _case(suite, name, row.state, row.code, row.message, row.next, row.seconds)


def _case(
    suite: str, name: str, state: Ending, code: str, message: str, step: str, seconds: float | None = None
) -> Case:
    said = ": ".join(filter(None, (code, message)))
    inside: list[Markup] = []
    if state is Ending.FAILED:
        text = "\n".join(filter(None, (said, f"Next step: {step}" if step else "")))
        inside = [element("failure", text, type=code or "failed", message=said)]
    elif state is Ending.SKIPPED:
        inside = [element("skipped", message=" ".join(filter(None, (said, step))))]
    case = element("testcase", *inside, classname=suite, name=name, time=f"{seconds or 0:.3f}")
    return state, case


def _suite(report: RunReport, name: str, cases: Sequence[Case]) -> Markup:
    stamp = f"{report.started_at:%Y-%m-%dT%H:%M:%S}"
    return element("testsuite", *(case for _, case in cases), name=name, **_sums(cases), timestamp=stamp)


def _sums(cases: Sequence[Case]) -> dict[str, int]:
    states = [state for state, _ in cases]
    return {
        "tests": len(states),
        "failures": states.count(Ending.FAILED),
        "errors": 0,
        "skipped": states.count(Ending.SKIPPED),
    }
