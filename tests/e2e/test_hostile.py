"""Nasty configurations, manifests, tags and requests, end to end: runs end, nothing is done, nobody else is asked.

What the app's process connects to is noted inside of it (`tests/hostile/outbound`).
"""

import json
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from local.azure import LocalAzure
from tests.e2e.conftest import Factory, hosting
from tests.e2e.end_state import custom_images, vhd_blobs
from tests.e2e.worlds import World, asks, labs_json
from tests.hostile import corpus
from tests.hostile.generators import as_tag

pytestmark = pytest.mark.slow

OUTBOUND = Path(corpus.__file__).parent / "outbound"
GOOD = "Win_Server-Nov-1-2026"
DEFINITIONS = {"GoldenImages/Win/Server.json": b"{}"}
LABS_FILES, BODIES = corpus.labs_files(), corpus.bodies()
TAGS = ("FactoryGeneralize", "FactoryImageState", "x")
SAMPLED = 6
SAMPLE = random.Random(1).sample(sorted(LABS_FILES), SAMPLED)


class Watched:
    """A factory of its own, and the notes of its process."""

    def __init__(self, factory: Factory, notes: Path, known: set[str]) -> None:
        self.factory, self._notes, self._known = factory, notes, known

    def strangers(self) -> set[str]:
        """Whom the app asked, or what it started, that is not the local Azure or the host itself."""
        return set(self._notes.read_text("utf-8").splitlines()) - self._known


@pytest.fixture(scope="module")
def watched(azure: LocalAzure | None, tmp_path_factory: pytest.TempPathFactory) -> Generator[Watched, None, None]:
    if azure is None:
        pytest.skip("this test looks into a host of its own")
    folder = tmp_path_factory.mktemp("hostile")
    noting = {"PYTHONPATH": str(OUTBOUND), "OUTBOUND": str(folder / "outbound.txt")}
    with hosting(azure, folder, noting) as factory:
        asked = [azure.endpoints[name] for name in ("arm", "storage", "identity", "control")]
        places = [urlsplit(url).netloc for url in (*asked, factory.host)]
        # The SDKs' user agent asks Python for its platform, which asks these two.
        platform = {"program 'uname'", "program 'file'"}
        known = {"resolve 127.0.0.1", *platform, *(f"connect {place.replace(':', ' ')}" for place in places)}
        yield Watched(factory, folder / "outbound.txt", known)


def world() -> World:
    """`lab-a` has what it asks for, so that every effect is one that nobody asked for; `lab-b` has nothing."""
    world = World().lab("lab-a").lab("lab-b").behaving(copySeconds=0, imageSeconds=0)
    return world.golden_image("Win\\Server.json", GOOD, 1).image("lab-a", GOOD, ImagePath="Win\\Server.json")


def nothing_was_done(watched: Watched) -> None:
    assert watched.factory.operations(effects_only=True) == []
    assert watched.strangers() == set()


def run_with(watched: Watched, world: World, labs_file: bytes) -> dict[str, Any]:
    """The report of a run with nothing but this to go by."""
    factory = watched.factory
    factory.give(world)
    factory.configure({"labs.json": labs_file, **DEFINITIONS})
    factory.control.clear_operations()
    return factory.run()


def test_the_notes_see_what_the_app_asks_for(watched: Watched) -> None:
    """Else the tests below could not fail."""
    run_with(watched, world(), labs_json(asks("lab-a", "Win")))
    asked = watched._notes.read_text("utf-8")
    assert watched.factory.control.address not in asked
    assert len({line for line in watched._known if line in asked}) >= 4


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.soak) for name in LABS_FILES]
)
def test_a_nasty_file_has_no_effect(watched: Watched, name: str) -> None:
    report = run_with(watched, world(), LABS_FILES[name])
    assert not any(secret in json.dumps(report) for secret in corpus.SECRETS)
    nothing_was_done(watched)


def test_all_nasty_texts_at_once_have_no_effect(watched: Watched) -> None:
    labs = [corpus.lab()]
    for text in corpus.TEXTS.values():
        labs += [corpus.lab(LabName=text), corpus.lab(SubscriptionId=text), corpus.lab(ResourceGroup=text, LabName="x")]
        labs += [
            corpus.lab(LabName=f"l{len(labs)}", ImagePaths=[text]),
            corpus.lab(**{text: text}, LabName=f"k{len(labs)}"),
        ]
    short = [lab for lab in labs if len(json.dumps(lab)) < 5000]
    report = run_with(watched, world(), json.dumps({"Labs": short}).encode())
    assert len(report["findings"]) > 100
    assert not any(secret in json.dumps(report) for secret in corpus.SECRETS)
    nothing_was_done(watched)


def test_nasty_manifests_lead_to_nothing_but_the_vhd_that_is_there(watched: Watched) -> None:
    given = World().lab("lab-a").lab("lab-b").behaving(copySeconds=0, imageSeconds=0)
    given.blob("stfactory", "golden.vhd", vhd={"sizeGb": 1, "seed": "golden"})
    for number, data in enumerate(corpus.manifests().values()):
        given.blob("stfactory", f"{number:04}.json", text=data.decode("latin-1"), encoding="latin-1")
    run_with(watched, given, labs_json(asks("lab-a", "Win", "Linux"), asks("factory", "Linux")))
    after = watched.factory.world()
    [image] = custom_images(after, "lab-a")
    assert image["state"] == "Succeeded"
    assert image["digest"] == vhd_blobs(after, "stfactory")["golden.vhd"]["digest"]
    places = {"/".join(call["path"].split("/")[1:3]) for call in watched.factory.operations(effects_only=True)}
    assert {place.lower() for place in places} <= {
        "stfactory/",
        "stfactory",
        "stlaba/imagefactoryvhds",
        "subscriptions/" + corpus.SUBSCRIPTION,
    }
    assert custom_images(after, "lab-b") + custom_images(after, "factory") == []
    assert watched.strangers() == set()


def test_nasty_tags_notes_and_names_have_no_effect(watched: Watched) -> None:
    given = world()
    texts = [as_tag(text) for text in corpus.TEXTS.values()]
    for number, text in enumerate(texts):
        given.vm(f"vm{number}", text, power="VM running", notes=text, tags=dict.fromkeys(TAGS, text), artifact=None)
        given.image("lab-a", f"other-{number}", state="Failed", ImagePath=text, FactoryId=text, RunId=text)
    report = run_with(watched, given, labs_json(asks("lab-a", "Win")))
    assert len(report["captures"]) == len(texts)
    assert {row["state"] for row in report["captures"]} <= {"skipped", "failed"}
    nothing_was_done(watched)


def test_nasty_requests_start_nothing(watched: Watched) -> None:
    factory = watched.factory
    factory.wait_until_idle()
    factory.control.clear_operations()
    runs = factory.runs()
    for name, body in BODIES.items():
        answer = requests.post(f"{factory.host}/api/runs", data=body, timeout=30)
        assert answer.status_code == 400, name
        assert answer.json()["error"] == "RequestInvalid", name
    for name, text in corpus.TEXTS.items():
        if len(text) < 2000:
            address = quote(text, safe="", errors="surrogatepass")
            answer = requests.get(f"{factory.host}/api/runs/{address}", timeout=30)
            assert answer.status_code in (400, 404), name
    assert factory.runs() == runs
    nothing_was_done(watched)
