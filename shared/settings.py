"""The environment, read once and checked: everything that an operator can set."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from shared.domain.generalizing import Fallback, Generalize
from shared.domain.labs import LabId
from shared.domain.renderings.card import NotifyOn
from shared.errors import ConfigurationError

Choice = TypeVar("Choice", bound=StrEnum)

MOST_LANES = 100
LONGEST_SAS = timedelta(days=7)
"""A user-delegation SAS lives seven days at most (`azure-facts.md` section 4)."""


@dataclass(frozen=True)
class Settings:
    """See README, "Settings", for what each means."""

    factory_lab: LabId
    factory: str
    app: str
    configuration_account: str
    configuration_container: str
    journal_account: str
    journal_container: str
    lanes: int
    copy_deadline: timedelta
    image_deadline: timedelta
    stall_deadline: timedelta
    generalize: Generalize
    generalize_fallback: Fallback
    generalize_deadline: timedelta
    versions: int
    arm_endpoint: str
    arm_audience: str
    blob_endpoint: str
    client_id: str | None
    has_managed_identity: bool
    host: str
    notify_on: NotifyOn
    notify_webhook: str = field(repr=False)
    """Secret, and judged where it is used: one that is wrong must not keep the factory from its work."""

    def blob_url(self, account: str) -> str:
        return self.blob_endpoint.replace("{account}", account)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; raises ConfigurationError `SettingInvalid` that names every wrong one."""
    return read_settings(os.environ)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from an environment; raises ConfigurationError with all that is wrong, not only the first."""
    read = _Reader(environment)
    lab = read.lab("FACTORY_LAB_ID")
    settings = Settings(
        factory_lab=lab,
        factory=read.text("FACTORY_ID", hashlib.sha256(lab.key.encode()).hexdigest()[:12]),
        app=read.text("APP_ID", read.text("WEBSITE_HOSTNAME", "local")),
        configuration_account=read.text("CONFIGURATION_ACCOUNT"),
        configuration_container=read.text("CONFIGURATION_CONTAINER", "configuration"),
        journal_account=read.text("JOURNAL_ACCOUNT"),
        journal_container=read.text("JOURNAL_CONTAINER", "runs"),
        lanes=read.number("MAX_CONCURRENT_COPIES", 20, most=MOST_LANES),
        copy_deadline=read.duration("COPY_DEADLINE", "12:00:00", most=LONGEST_SAS - timedelta(hours=2)),
        image_deadline=read.duration("IMAGE_DEADLINE", "02:00:00", most=timedelta(days=6)),
        stall_deadline=read.duration("STALL_DEADLINE", "01:00:00", most=timedelta(days=6)),
        generalize=read.choice("GENERALIZE", Generalize.NEVER),
        generalize_fallback=read.choice("GENERALIZE_FALLBACK", Fallback.NONE),
        generalize_deadline=read.duration("GENERALIZE_DEADLINE", "01:00:00", most=timedelta(days=1)),
        versions=read.number("VERSIONS_TO_DELIVER", 1, most=1000),
        arm_endpoint=read.text("ARM_ENDPOINT", "https://management.azure.com").rstrip("/"),
        arm_audience=read.text("ARM_AUDIENCE", "https://management.azure.com").rstrip("/"),
        blob_endpoint=read.text("BLOB_ENDPOINT", "https://{account}.blob.core.windows.net").rstrip("/"),
        client_id=read.text("AZURE_CLIENT_ID", "") or None,
        has_managed_identity="IDENTITY_ENDPOINT" in environment,
        host=read.text("WEBSITE_HOSTNAME", ""),
        notify_on=read.choice("NOTIFY_ON", NotifyOn.ALWAYS),
        notify_webhook=read.text("NOTIFY_WEBHOOK", ""),
    )
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", settings.factory):
        read.wrong.append(f"FACTORY_ID is {settings.factory!r}, but must be 1 to 40 letters, digits or '-'")
    if "{account}" not in settings.blob_endpoint:
        read.wrong.append(f"BLOB_ENDPOINT is {settings.blob_endpoint!r}, but must hold {{account}}")
    if read.wrong:
        raise ConfigurationError(
            "SettingInvalid", "; ".join(read.wrong) + ".", "Correct the app setting; nothing was touched."
        )
    return settings


class _Reader:
    """Reads one setting after the other and keeps what is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.wrong: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self.environment.get(name, "").strip()
        if not value and default is None:
            self.wrong.append(f"{name} is not set")
        return value or default or ""

    def lab(self, name: str) -> LabId:
        text = self.text(name)
        try:
            return LabId.parse(text)
        except ValueError:
            if text:
                shape = "/subscriptions/<id>/resourceGroups/<name>/providers/Microsoft.DevTestLab/labs/<name>"
                self.wrong.append(f"{name} is {text!r}, but must look like {shape}")
            return LabId("", "", "")

    def number(self, name: str, default: int, most: int) -> int:
        value = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", value) and 1 <= int(value) <= most:
            return int(value)
        self.wrong.append(f"{name} is {value!r}, but must be a whole number from 1 to {most}")
        return default

    def choice(self, name: str, default: Choice) -> Choice:
        value, known = self.text(name, default).lower(), type(default)
        if value in list(known):
            return known(value)
        self.wrong.append(f"{name} is {value!r}, but must be one of {', '.join(known)}")
        return default

    def duration(self, name: str, default: str, most: timedelta) -> timedelta:
        value = self.text(name, default)
        duration = parse_duration(value)
        if duration is not None and timedelta(0) < duration <= most:
            return duration
        self.wrong.append(f"{name} is {value!r}, but must be a duration such as {default!r}, at most {most}")
        return most


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta | None:
    """`12:00:00` or `1.12:00:00` (as in host.json), also `12h`, `90m`, `30s`, `1d`; None for anything else."""
    if match := re.fullmatch(r"(?:(\d{1,4})\.)?(\d{1,4}):(\d{2}):(\d{2})", text, re.ASCII):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if match := re.fullmatch(r"(\d{1,7})([smhd])", text, re.ASCII):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return None
