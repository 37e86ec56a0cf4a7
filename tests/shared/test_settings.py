"""The environment, checked once: everything that is wrong is told at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.labs import LabId
from shared.domain.renderings.card import NotifyOn
from shared.errors import ConfigurationError
from shared.settings import LONGEST_SAS, Settings, parse_duration, read_settings

LAB = (
    "/subscriptions/6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f/resourceGroups/rg/providers/Microsoft.DevTestLab/labs/factory"
)
NEEDED = {"FACTORY_LAB_ID": LAB, "CONFIGURATION_ACCOUNT": "config", "JOURNAL_ACCOUNT": "journal"}


def read(**environment: str) -> Settings:
    return read_settings({**NEEDED, **environment})


def refusal(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(**environment)
    assert refused.value.code == "SettingInvalid"
    return refused.value.message


def test_three_settings_are_enough() -> None:
    settings = read()
    assert settings.factory_lab == LabId("6f0c1a52-3b7e-4a4e-9d0f-1c2b3a4d5e6f", "rg", "factory")
    assert (settings.configuration_account, settings.configuration_container) == ("config", "configuration")
    assert (settings.journal_account, settings.journal_container) == ("journal", "runs")
    assert (settings.lanes, settings.versions) == (20, 1)
    assert (settings.copy_deadline, settings.image_deadline) == (timedelta(hours=12), timedelta(hours=2))
    assert settings.app == "local"
    assert settings.client_id is None
    assert not settings.has_managed_identity
    assert settings.blob_url("lab") == "https://lab.blob.core.windows.net"
    assert settings.arm_endpoint == settings.arm_audience == "https://management.azure.com"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"MAX_CONCURRENT_COPIES": "0", "COPY_DEADLINE": "soon", "BLOB_ENDPOINT": "https://blob"})
    wrong = ("FACTORY_LAB_ID", "CONFIGURATION_ACCOUNT", "JOURNAL_ACCOUNT", "MAX_CONCURRENT_COPIES", "COPY_DEADLINE")
    for name in (*wrong, "BLOB_ENDPOINT"):
        assert name in refused.value.message
    assert refused.value.message.count("FACTORY_LAB_ID") == 1


@pytest.mark.parametrize("value", ["0", "-1", "101", "1.5", "ten", "1e1", "٣", "9" * 5000])
def test_x6_a_number_of_lanes_that_is_none_is_refused(value: str) -> None:
    assert "MAX_CONCURRENT_COPIES" in refusal(MAX_CONCURRENT_COPIES=value)


@pytest.mark.parametrize("value", ["1", "100", " 20 "])
def test_lanes_from_one_to_a_hundred_are_taken(value: str) -> None:
    assert read(MAX_CONCURRENT_COPIES=value).lanes == int(value)


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_setting_counts_as_absent(value: str) -> None:
    assert read(MAX_CONCURRENT_COPIES=value, AZURE_CLIENT_ID=value, JOURNAL_CONTAINER=value) == read()


@pytest.mark.parametrize("value", ["0", "-1", "N"])
def test_x7_fewer_than_one_version_is_refused(value: str) -> None:
    assert "VERSIONS_TO_DELIVER" in refusal(VERSIONS_TO_DELIVER=value)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("12:00:00", timedelta(hours=12)),
        ("1.12:00:00", timedelta(days=1, hours=12)),
        ("00:00:30", timedelta(seconds=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("30s", timedelta(seconds=30)),
        ("1d", timedelta(days=1)),
        ("12", None),
        ("12:00", None),
        ("1h30m", None),
        ("-1h", None),
        ("", None),
        ("PT12H", None),
        ("12:00:00 ", None),
    ],
)
def test_durations_are_written_as_in_host_json_or_with_a_unit(text: str, duration: timedelta | None) -> None:
    assert parse_duration(text) == duration


def test_a_copys_deadline_leaves_room_for_the_sas_that_outlives_it() -> None:
    assert timedelta(days=7) == LONGEST_SAS
    assert read(COPY_DEADLINE="6.22:00:00").copy_deadline == LONGEST_SAS - timedelta(hours=2)
    assert "COPY_DEADLINE" in refusal(COPY_DEADLINE="7d")
    assert "COPY_DEADLINE" in refusal(COPY_DEADLINE="00:00:00")


@pytest.mark.parametrize(
    "lab", ["factory", LAB.replace("DevTestLab", "Compute"), f"{LAB}/virtualmachines/vm", "/subscriptions//"]
)
def test_a_factory_lab_that_is_no_lab_is_refused_with_the_shape_it_must_have(lab: str) -> None:
    assert "/providers/Microsoft.DevTestLab/labs/<name>" in refusal(FACTORY_LAB_ID=lab)


def test_the_factorys_mark_follows_from_its_lab_in_whatever_case() -> None:
    assert read().factory == read(FACTORY_LAB_ID=LAB.upper()).factory == read(FACTORY_LAB_ID=f"{LAB}/").factory
    assert read().factory != read(FACTORY_LAB_ID=f"{LAB}2").factory
    assert read(FACTORY_ID="mine").factory == "mine"


@pytest.mark.parametrize("mark", ["a b", "a/b", "ä", "x" * 41])
def test_a_mark_that_could_not_stand_in_an_instance_id_is_refused(mark: str) -> None:
    assert "FACTORY_ID" in refusal(FACTORY_ID=mark)


def test_the_app_is_known_by_its_host_name_unless_it_is_told() -> None:
    assert read(WEBSITE_HOSTNAME="f.azurewebsites.net").app == "f.azurewebsites.net"
    assert read(WEBSITE_HOSTNAME="f.azurewebsites.net", APP_ID="mine").app == "mine"


def test_another_cloud_is_reached_by_settings_alone() -> None:
    settings = read(
        ARM_ENDPOINT="https://arm.local/", BLOB_ENDPOINT="https://127.0.0.1:1/{account}/", AZURE_CLIENT_ID="id"
    )
    assert settings.arm_endpoint == "https://arm.local"
    assert settings.blob_url("lab") == "https://127.0.0.1:1/lab"
    assert settings.client_id == "id"


def test_only_one_module_of_the_app_reads_the_environment() -> None:
    root = Path(__file__).parents[2]
    files = [*root.glob("shared/**/*.py"), *root.glob("activities/*.py"), *root.glob("orchestrators/*.py")]
    readers = {path.name for path in files if "environ" in path.read_text(encoding="utf-8").replace("environment", "")}
    assert readers == {"settings.py"}


def test_nobody_is_told_of_a_run_unless_a_webhook_is_set_and_then_of_every_run() -> None:
    assert (read().notify_webhook, read().notify_on) == ("", NotifyOn.ALWAYS)
    assert read(NOTIFY_ON=" Failure ").notify_on is NotifyOn.FAILURE
    assert "NOTIFY_ON is 'sometimes', but must be one of failure, change, always" in refusal(NOTIFY_ON="sometimes")


@pytest.mark.parametrize("value", ["http://plain/?sig=abc", "@Microsoft.KeyVault(SecretUri=https://v/secrets/s)", "?"])
def test_a_webhook_that_cannot_be_used_keeps_no_run_from_its_work(value: str) -> None:
    assert read(NOTIFY_WEBHOOK=value).notify_webhook == value


def test_settings_that_are_shown_do_not_show_the_webhook() -> None:
    assert "sig=abc" not in repr(read(NOTIFY_WEBHOOK="https://host/?sig=abc"))
