"""What lies where in a world, and what a report says of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.e2e.worlds import SUBSCRIPTION, VHDS

Json = dict[str, Any]


def custom_images(world: Json, lab: str = "", subscription: str = "", rg: str = "") -> list[Json]:
    """The custom images of all labs, or of those of this name, each with its `subscription`."""
    return [
        image | {"subscription": entry["id"]}
        for entry in world["subscriptions"]
        for image in entry["images"]
        if lab in ("", image["lab"]) and subscription in ("", entry["id"]) and rg in ("", image["rg"])
    ]


def image_names(world: Json, lab: str, subscription: str = "", rg: str = "") -> set[str]:
    """The names of a lab's custom images that can be used."""
    return {image["name"] for image in custom_images(world, lab, subscription, rg) if image["state"] == "Succeeded"}


def vhd_blobs(world: Json, account: str) -> dict[str, Json]:
    """The blobs of an account's `imagefactoryvhds` by name; none when it has no such container."""
    return {blob["name"]: blob for place, blob in all_blobs(world) if place == (account, VHDS)}


def all_blobs(world: Json) -> Iterator[tuple[tuple[str, str], Json]]:
    """Every blob of the world with its account and container."""
    for account in world["storage"]:
        for container in account["containers"]:
            for blob in container["blobs"]:
                yield (account["account"], container["name"]), blob


def pair(report: Json, lab: str, image_path: str, image: str = "", subscription: str = SUBSCRIPTION) -> Json:
    """The one row of a (lab, image); fails when there is none or more than one."""
    rows = [
        row
        for row in report["pairs"]
        if (row.get("subscriptionId"), row["lab"], row["imagePath"]) == (subscription, lab, image_path)
        and image in ("", row.get("image"))
    ]
    assert len(rows) == 1, f"{len(rows)} pairs of {lab} and {image_path} {image}"
    return rows[0]


def endings(report: Json, lab: str, subscription: str = SUBSCRIPTION) -> Counter[str]:
    """How the pairs of a lab ended: their codes, or their states where there is no code."""
    return Counter(
        row.get("code") or row["state"]
        for row in report["pairs"]
        if (row.get("subscriptionId"), row["lab"]) == (subscription, lab)
    )


def finding_codes(report: Json, path: str = "") -> set[str]:
    """The codes of the findings, or of those at one place."""
    return {finding["code"] for finding in report.get("findings", ()) if path in ("", finding.get("path"))}


def capture(report: Json, vm: str) -> Json:
    """The one row of a VM."""
    (row,) = (row for row in report["captures"] if row["vm"] == vm)
    return row


def deletions(operations: list[Json]) -> set[str]:
    """The paths of what was deleted with success."""
    return {call["path"] for call in operations if call["effect"] == "delete" and call["status"] < 300}
