"""Golden images in the factory and the custom images that labs make of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

VHD_CONTAINER = "imagefactoryvhds"
"""Container for golden images in the factory lab's account and for copies in each lab's (the original's name, kept)."""

LONGEST_DESCRIPTION = 1000
"""Characters: notes may fill a page, but a description travels with each capture and delivery, whose inputs stay below 4 KB."""


class OsType(StrEnum):
    WINDOWS = "Windows"
    LINUX = "Linux"
    UNKNOWN = "Unknown"


class OsState(StrEnum):
    GENERALIZED = "Generalized"
    SPECIALIZED = "Specialized"


@dataclass(frozen=True)
class GoldenImage:
    """One version of a golden image: a VHD in the factory lab's account and the manifest beside it.

    `digest` tells captures apart (a hash of what was captured, see `Capture.key`); the original factory wrote none.
    `size_bytes` is the length of the VHD, footer included; None when the VHD is gone (B43).
    """

    name: str
    image_path: str
    os_type: OsType
    vhd: str
    built: datetime
    description: str = ""
    os_state: OsState = OsState.GENERALIZED
    digest: str = ""
    size_bytes: int | None = None
    manifest: str = ""
    captures: tuple[str, ...] = ()


class ImageState(StrEnum):
    CREATING = "Creating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "Deleting"


@dataclass(frozen=True)
class CustomImage:
    """A custom image as found in a lab; `factory` and `run` are our mark, empty on what others made."""

    name: str
    state: str
    image_path: str = ""
    factory: str = ""
    run: str = ""
    digest: str = ""
    vhd_url: str = ""

    def is_ours(self, factory: str) -> bool:
        return bool(factory) and self.factory == factory
