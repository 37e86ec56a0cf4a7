"""Why a lab gets an image or not: every explanation comes to the answer of the planner, and says which rule decided."""

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration import read_configuration
from shared.domain.capture import CapturePlan, plan_captures
from shared.domain.distribution import LabStock, Order, plan_distribution
from shared.domain.explaining import Known, explain
from shared.domain.explanation import Explanation, Verdict, as_text
from shared.domain.images import GoldenImage, OsType
from shared.domain.matching import path_key
from shared.domain.outcomes import Ending, Outcome
from shared.domain.run_plan import captured_images
from tests.domain.machines import vm
from tests.domain.random_worlds import FACTORY, RandomWorld, random_worlds
from tests.domain.test_distribution_plan import FACTORY_LAB, OTHER_SUB, SUB, custom, image, lab, wants

RUN = "20261123T020509Z-3fa2"
VERDICTS = {Ending.PRESENT: Verdict.PRESENT, Ending.SKIPPED: Verdict.SKIP, Ending.FAILED: Verdict.FAIL}

CORE, OLD = image("Win2016\\Core.json", 1), image("Win2016\\Datacenter.json", 1)
NEW, GONE = image("Win2016\\Datacenter.json", 2), image("Win2019\\Gone.json", size_bytes=None)
R2, UNKNOWN = image("Win2016R2\\Core.json"), image("Odd\\NoOs.json", os_type=OsType.UNKNOWN)
BAD, TWIN_A, TWIN_B = (
    image("Odd\\Bad.json", name="b@d"),
    image("Twins\\a.json", 1, name="twin"),
    image("Twins\\b.json", 2, name="TWIN"),
)
IMAGES = (CORE, OLD, NEW, GONE, R2, UNKNOWN, BAD, TWIN_A, TWIN_B)
DEFINITIONS = (
    "Win2016/Core.json",
    "Win2016/Datacenter.json",
    "Win2016R2/Core.json",
    "Win2019/Gone.json",
    "Linux/Ubuntu 22.04 LTS.json",
    "Linux/Debian.json",
)
VMS = (vm("ubuntu", "Linux\\Ubuntu 22.04 LTS.json"), vm("debian", "Linux/Debian", power_state="running"))
CAPTURES = plan_captures(VMS, IMAGES, RUN)


def known(*labs: object, versions: int = 1, captures: CapturePlan = CAPTURES) -> Known:
    images = (*IMAGES, *captured_images(captures))
    return Known("myfactory", FACTORY_LAB, versions, labs, images, captures, DEFINITIONS)  # pyright: ignore


ALL = (
    (wants("Win2016", name="plain"), lab("plain")),
    (wants("Win2016R", "Win2016/Data", "GoldenImages/Linux", "*", name="nearly"), lab("nearly")),
    (wants(name="silent"), lab("silent")),
    (wants("Win2016", "Linux", name="gone"), LabStock(problem=Outcome(Ending.FAILED, "LabNotFound", "Gone.", "Look."))),
    (wants("Win2016", "Win2019", "Odd", "Twins", "Linux", name="all"), lab("all")),
    (wants("Win2016", name="has"), lab("has", custom(NEW), replace(custom(CORE), digest="another"))),
    (wants("Win2016", name="failed"), lab("failed", custom(NEW, "Failed"), custom(CORE, "Failed", factory=""))),
    (wants("Win2016", name="busy"), lab("busy", custom(NEW, "Creating"), custom(CORE, "Creating", factory="x"))),
    (wants("Win2016/Core.json/", name="folder"), lab("folder")),
    (wants("Win2016", name="beside"), lab("beside", account=FACTORY_LAB.account)),
    (wants("Solaris/11.json", "Linux/Debian", name="wishes"), lab("wishes")),
    (wants("Win2016", name="twin", sub=SUB), lab("twin", custom(NEW))),
    (wants("Linux", name="twin", sub=OTHER_SUB), lab("twin", sub=OTHER_SUB)),
)

CASES = r"""
plain   Win2016/Datacenter.json       deliver
plain   win2016\DATACENTER           deliver
plain   Win2016_Datacenter-2          deliver
plain   Win2016_Datacenter-1          none     OlderVersion
plain   Win2016/Core                  deliver
plain   Win2016R2/Core.json           none     NotAskedFor
plain   Linux/Debian.json             none     NotAskedFor
plain   Linux/Ubuntu_22.04_LTS.json   none     NotAskedFor
plain   Win2016/Nothing.json          none     PathUnknown
plain   Solaris                       none     PathUnknown
plain   ../x                          none     PathUnknown
nearly  Win2016/Datacenter.json       none     NotAskedFor
nearly  Win2016/Core.json             none     NotAskedFor
nearly  Win2016R2/Core.json           none     NotAskedFor
nearly  Linux/Debian.json             none     NotAskedFor
nearly  GoldenImages/Linux/x.json     skip     NoGoldenImage
silent  Win2016/Datacenter.json       none     NotAskedFor
silent  Linux/Debian.json             none     NotAskedFor
silent  Linux/Nope.json               none     PathUnknown
gone    Win2016/Datacenter.json       fail     LabNotFound
gone    Win2016/Core.json             fail     LabNotFound
gone    Linux/Debian.json             fail     LabNotFound
gone    Win2019/Gone.json             none     NotAskedFor
gone    Win2016_Datacenter-1          none     OlderVersion
all     Win2016/Datacenter.json       deliver
all     Win2019/Gone.json             fail     VhdMissing
all     Odd/NoOs.json                 fail     OsTypeUnknown
all     Odd/Bad.json                  fail     ImageNameInvalid
all     b@d                           fail     ImageNameInvalid
all     Twins/a.json                  fail     ImageNameTwice
all     Twins/b.json                  deliver
all     Linux/Ubuntu_22.04_LTS.json   deliver
all     Linux/Debian.json             skip     NoGoldenImage
all     Linux/debian                  skip     NoGoldenImage
all     Win2016R2/Core.json           none     NotAskedFor
has     Win2016/Datacenter.json       present
has     Win2016_Datacenter-2          present
has     Win2016/Core.json             fail     ImageConflict
has     Win2016_Core-1                fail     ImageConflict
has     Win2016_Datacenter-1          none     OlderVersion
failed  Win2016/Datacenter.json       deliver
failed  Win2016/Core.json             fail     ImageConflict
busy    Win2016/Datacenter.json       deliver
busy    Win2016/Core.json             fail     ImageBusy
folder  Win2016/Core.json             none     NotAskedFor
folder  Win2016/Datacenter.json       none     NotAskedFor
beside  Win2016/Datacenter.json       deliver
beside  Win2016/Core.json             deliver
beside  Win2019/Gone.json             none     NotAskedFor
wishes  Solaris/11.json               skip     NoGoldenImage
wishes  Solaris/11                    skip     NoGoldenImage
wishes  Solaris                       none     PathUnknown
wishes  Linux/Debian.json             skip     NoGoldenImage
wishes  Linux/Ubuntu_22.04_LTS.json   none     NotAskedFor
unknown Win2016/Datacenter.json       none     LabUnknown
pla     Win2016/Datacenter.json       none     LabUnknown
PLAIN   Win2016/Datacenter.json       deliver
6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f/plain Win2016/Core deliver
6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f/twin Win2016/Datacenter present
0a1b2c3d-0000-4000-8000-000000000000/twin Win2016/Datacenter none NotAskedFor
0a1b2c3d-0000-4000-8000-000000000000/twin Linux/Ubuntu_22.04_LTS deliver
"""
"""lab, image (`_` in "Ubuntu_22.04_LTS" is a space), verdict, code."""


def cases() -> Iterable[tuple[str, str, str, str]]:
    for line in CASES.strip().splitlines():
        lab_name, text, verdict, *code = line.split()
        yield (
            lab_name,
            text.replace("Ubuntu_22.04_LTS", "Ubuntu 22.04 LTS"),
            verdict,
            "".join(code),
        )


def planners_answers(of: Known, explained: Explanation) -> set[tuple[Verdict, str]]:
    """What the planner does with the pair that is explained."""
    order = Order(RUN, of.factory, of.factory_lab, of.versions, "sha")
    planned = plan_distribution(order, of.labs, of.images, of.definitions)
    lab_name = explained.subscription_id.lower(), explained.lab.lower()
    answers = {
        (VERDICTS[pair.outcome.state], pair.outcome.code) if pair.outcome else (Verdict.DELIVER, "")
        for pair in planned.pairs
        if (pair.subscription.lower(), pair.lab.lower()) == lab_name
        and path_key(pair.image_path) == path_key(explained.image_path)
        and pair.image == explained.image
    }
    return answers or {(Verdict.NONE, explained.code)}


def is_below_an_entry_that_takes_nothing(of: Known, explained: Explanation) -> bool:
    """Such an entry is a pair by its own text, whatever below it is asked about."""
    asked = [request for request, _ in of.labs if request.name.lower() == explained.lab.lower()]
    entries = [entry for request in asked for entry in request.entries if entry.takes(explained.image_path)]
    return any(not any(map(entry.takes, of.paths.values())) for entry in entries)


def check(of: Known, explained: Explanation) -> None:
    """The verdict is the planner's, and the trace speaks for it: its last rule, and only that one, against."""
    answers = planners_answers(of, explained)
    if is_below_an_entry_that_takes_nothing(of, explained):
        assert explained.verdict in (Verdict.SKIP, Verdict.FAIL)
    else:
        assert (explained.verdict, explained.code) in answers
    against = [rule for rule in explained.trace if rule.holds is False]
    if explained.verdict in (Verdict.DELIVER, Verdict.PRESENT):
        assert not against
    else:
        assert against == [explained.trace[-1]]
        assert explained.code
        assert explained.next


@pytest.mark.parametrize(("lab_name", "text", "verdict", "code"), list(cases()))
def test_the_verdict_is_the_planners_and_its_reason_is_told(lab_name: str, text: str, verdict: str, code: str) -> None:
    of = known(*ALL)
    [explained] = explain(of, lab_name, text).explanations
    assert (explained.verdict, explained.code) == (verdict, code), explained.trace
    check(of, explained)


def trace(lab_name: str, text: str, of: Known | None = None) -> str:
    return as_text(explain(of or known(*ALL), lab_name, text).explanations)


def test_an_entry_that_ends_inside_a_segment_is_told_with_what_was_probably_meant() -> None:
    text = trace("nearly", "Win2016R2/Core.json")
    assert 'The entry "Win2016R" does not: it ends inside a name: did you mean "Win2016R2"?' in text
    assert 'The entry "Win2016/Data" does not' in trace("nearly", "Win2016/Datacenter.json")
    assert "there are no wildcards" in text
    assert "paths start below GoldenImages" in trace("nearly", "Linux/Debian.json")
    assert "it is a file" in trace("folder", "Win2016/Core.json")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Linux/Debain.json", 'Did you mean "Linux/Debian.json"?'),
        (r"linux\ubuntu 22.4 lts", 'Did you mean "Linux/Ubuntu 22.04 LTS.json"?'),
        ("../Linux", 'Write "Linux".'),
        ("Nope", "Upload its definition, or capture a VM with this ImagePath."),
    ],
)
def test_a_path_that_nobody_knows_is_told_with_what_was_probably_meant(text: str, advice: str) -> None:
    for lab_name in ("silent", "plain", "all"):
        [explained] = explain(known(*ALL), lab_name, text).explanations
        assert (explained.code, explained.next) == ("PathUnknown", advice)


def test_an_entry_that_is_right_is_not_corrected() -> None:
    text = trace("plain", "Win2016R2/Core.json")
    assert text.count("\n") == 4, text
    assert 'None of the lab\'s entries takes it: "Win2016".\n' in text


def test_what_labs_json_says_wrongly_of_the_lab_is_part_of_its_explanation() -> None:
    paths = {"Imagepath": ["Linux"]}, {"ImagePaths": ["Linux/Debain.json"]}, {"ImagePaths": ["Linux/Debian.json"]}
    labs = [{"SubscriptionId": SUB, "LabName": f"lab-{number}"} | asked for number, asked in enumerate(paths)]
    labs.append({"SubscriptionId": SUB, "LabNam": "lab-3", "ImagePaths": []})
    read = read_configuration(json.dumps({"Labs": labs}, indent=1).encode(), DEFINITIONS)
    aside = [(each.request, LabStock(problem=Outcome(Ending.FAILED, each.code))) for each in read.set_aside]
    served = [(each, lab(each.name)) for each in read.labs]
    of = replace(known(*served, *aside), findings=read.findings)

    misspelt = trace("lab-0", "Linux/Debian.json", of)
    assert "finding: $.Labs[0], line 3: ImagePathsMissing: The lab has no ImagePaths. Write" in misspelt
    assert misspelt.endswith(
        '  ! asked for: The lab has no entry that can be used.\n    Write "ImagePaths" instead of "Imagepath" on line 6.\n'
    )
    assert 'EntryMatchesNothing: The entry "Linux/Debain.json"' in trace("lab-1", "Linux/Debian.json", of)
    assert trace("lab-1", "Linux/Debian.json", of).endswith('\n    Did you mean "Linux/Debian.json"?\n')
    assert "finding" not in trace("lab-2", "Linux/Debian.json", of)
    assert "LabNameInvalid: The lab has no LabName." in trace("lab-3", "Linux/Debian.json", of)


def test_an_explanation_speaks_of_no_report() -> None:
    [explained] = explain(known(*ALL), "wishes", "Linux/Debian.json").explanations
    assert explained.next == "Capture a golden VM with this ImagePath."


def test_the_vm_that_would_make_the_image_is_told_with_the_reason_why_it_is_not_captured() -> None:
    assert 'The VM "debian" is not captured: NotDeallocated' in trace("wishes", "Linux/Debian.json")
    assert "No VM of the factory lab has this ImagePath." in trace("wishes", "Solaris/11.json")


def test_an_image_that_is_captured_first_says_so() -> None:
    assert "The run captures it first." in trace("all", "Linux/Ubuntu 22.04 LTS.json")
    assert "The run captures it first." not in trace("all", "Win2016/Datacenter.json")


def test_the_way_of_a_delivery_is_told() -> None:
    assert "1.0 GiB are copied to the account plainstorage." in trace("plain", "Win2016/Core")
    assert "Nothing is copied: the golden VHD lies" in trace("beside", "Win2016/Core")
    assert "it is made again" in trace("failed", "Win2016/Datacenter.json")
    assert "it is waited for" in trace("busy", "Win2016/Datacenter.json")


def test_a_folder_is_explained_image_by_image_and_a_name_lab_by_lab() -> None:
    found = explain(known(*ALL), "plain", "Win2016").explanations
    assert {each.image for each in found} == {CORE.name, NEW.name}
    assert {each.subscription_id for each in explain(known(*ALL), "twin", "Win2016/Core").explanations} == {
        SUB,
        OTHER_SUB,
    }
    assert len(explain(known(*ALL, versions=2), "plain", "Win2016/Datacenter").explanations) == 2


def test_a_line_of_the_trace_cannot_be_forged() -> None:
    evil = wants("Win2016", name="evil")
    problem = Outcome(Ending.FAILED, "LabNotFound", "Gone\n  + lab found: There.", "Look.")
    text = trace("evil", "Win2016/Core", known((evil, LabStock(problem=problem))))
    assert "\n  + lab found" not in text


def of_random(world: RandomWorld) -> Known:
    captures = plan_captures(world.vms, world.images, RUN)
    images: tuple[GoldenImage, ...] = (*world.images, *captured_images(captures))
    return Known(FACTORY, FACTORY_LAB, world.versions, world.labs, images, captures, world.definitions)


@settings(max_examples=150, deadline=None)
@given(random_worlds(), st.data())
def test_in_any_world_every_pair_of_the_plan_is_explained_as_it_is_planned(
    world: RandomWorld, data: st.DataObject
) -> None:
    of = of_random(world)
    order = Order(RUN, FACTORY, FACTORY_LAB, of.versions, "sha")
    for pair in plan_distribution(order, of.labs, of.images, of.definitions).pairs:
        explained = explain(of, pair.lab, pair.image_path).explanations
        for each in explained:
            check(of, each)
        outcome = pair.outcome
        planned = (VERDICTS[outcome.state], outcome.code) if outcome else (Verdict.DELIVER, "")
        assert planned in {(each.verdict, each.code) for each in explained if each.image in ("", pair.image)}
    texts = [image.name for image in of.images] + list(of.paths.values()) or ["x"]
    for request, _ in of.labs:
        for each in explain(of, request.name, data.draw(st.sampled_from(texts))).explanations:
            check(of, each)
