"""Labs and their custom images, as DevTest Labs tells them (API 2018-09-15, `azure-facts.md` section 2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.azure import tags
from shared.azure.clients import devtestlabs
from shared.azure.errors import attempting
from shared.domain.images import CustomImage, OsType
from shared.domain.labs import Lab, LabId
from shared.errors import MissingError, RejectedError
from shared.settings import settings

AUTHOR = "Image factory"

_OPERATION = re.compile(r"/locations/(?P<location>[^/]+)/operations/(?P<name>[^/?]+)", re.IGNORECASE)
_ACCOUNT = re.compile(r"/storageaccounts/(?P<name>[^/]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Operation:
    """A DevTest Labs operation by location and name. Its signed address (3 kB, a certificate in it) is never kept."""

    location: str = ""
    name: str = ""


UNKNOWN_OPERATION = Operation()


def get_lab(lab: LabId) -> Lab:
    """The lab; raises MissingError, or RejectedError when it has no storage account or the app no access."""
    with attempting(f"read the lab {lab}"):
        found = devtestlabs(lab.subscription).labs.get(lab.resource_group, lab.name)
    account = _ACCOUNT.search(found.artifacts_storage_account or found.default_storage_account or "")
    if account is None:
        raise RejectedError(
            "LabHasNoStorage", f"The lab {lab} names no storage account.", "Repair or recreate the lab."
        )
    return Lab(LabId.parse(found.id or str(lab)), account["name"], found.location or "")


@lru_cache(maxsize=1)
def factory_lab() -> Lab:
    """The factory lab; looked up once per process, because a lab keeps its storage account."""
    return get_lab(settings().factory_lab)


def list_labs(subscription: str) -> list[LabId]:
    """Every lab of a subscription that the app may see."""
    with attempting(f"list the labs of subscription {subscription}"):
        return [LabId.parse(lab.id or "") for lab in devtestlabs(subscription).labs.list_by_subscription()]


def list_custom_images(lab: LabId) -> list[CustomImage]:
    with attempting(f"list the custom images of the lab {lab}"):
        images = list(devtestlabs(lab.subscription).custom_images.list(lab.resource_group, lab.name))
    return [_image(image) for image in images]


def find_custom_image(lab: LabId, name: str) -> CustomImage | None:
    try:
        with attempting(f"read the custom image {name} of the lab {lab}"):
            return _image(devtestlabs(lab.subscription).custom_images.get(lab.resource_group, lab.name, name))
    except MissingError as error:
        if error.code != "ResourceNotFound":
            raise
        return None


def _image(image: Any) -> CustomImage:
    marks = tags.by_name(image.tags)
    return CustomImage(
        name=image.name or "",
        state=image.provisioning_state or "",
        image_path=marks.get(tags.IMAGE_PATH.lower(), ""),
        factory=marks.get(tags.FACTORY.lower(), ""),
        run=marks.get(tags.RUN.lower(), ""),
        digest=marks.get(tags.DIGEST.lower(), ""),
        vhd_url=(image.vhd.image_name or "") if image.vhd else "",
    )


def begin_custom_image(
    lab: LabId, name: str, vhd_url: str, os_type: OsType, generalized: bool, description: str, marks: Mapping[str, str]
) -> Operation:
    """PUT the custom image and return at once. Never over an existing one: the caller has looked (`azure-facts.md` 5).

    `sysPrep` is true for both systems when the VM was generalized, as the portal and the original do.
    """
    from azure.mgmt.devtestlabs.models import CustomImage as Resource
    from azure.mgmt.devtestlabs.models import CustomImagePropertiesCustom

    vhd = CustomImagePropertiesCustom(image_name=vhd_url, os_type=os_type.value, sys_prep=generalized)
    return _put(lab, name, Resource(vhd=vhd, description=description, author=AUTHOR, tags=dict(marks)))


def begin_generalizing_image(lab: LabId, name: str, vm: str, os_type: OsType, marks: Mapping[str, str]) -> Operation:
    """PUT a custom image that is made of a VM and return at once: DevTest Labs generalizes the VM for it (C16)."""
    from azure.mgmt.devtestlabs.models import CustomImage as Resource
    from azure.mgmt.devtestlabs.models import CustomImagePropertiesFromVm, LinuxOsInfo, WindowsOsInfo

    source = CustomImagePropertiesFromVm(source_vm_id=f"{lab}/virtualmachines/{vm}")
    if os_type is OsType.WINDOWS:
        source.windows_os_info = WindowsOsInfo(windows_os_state="SysprepRequested")
    else:
        source.linux_os_info = LinuxOsInfo(linux_os_state="DeprovisionRequested")
    return _put(lab, name, Resource(vm=source, description=f"Generalizes {vm}", author=AUTHOR, tags=dict(marks)))


def _put(lab: LabId, name: str, image: Any) -> Operation:
    with attempting(f"create the custom image {name} in the lab {lab}"):
        poller = devtestlabs(lab.subscription).custom_images.begin_create_or_update(
            lab.resource_group, lab.name, name, image, polling=False, cls=_response
        )
        response: Any = poller.result()
    found = _OPERATION.search(response.headers.get("Azure-AsyncOperation", ""))
    return Operation(found["location"], found["name"]) if found else UNKNOWN_OPERATION


def _response(response: Any, _body: Any, _headers: Any) -> Any:
    return response.http_response


def begin_delete_custom_image(lab: LabId, name: str) -> None:
    """Start deleting; succeeds when the image is gone already."""
    with attempting(f"delete the custom image {name} of the lab {lab}"):
        devtestlabs(lab.subscription).custom_images.begin_delete(lab.resource_group, lab.name, name, polling=False)


def failure_of(lab: LabId, operation: Operation) -> tuple[str, str]:
    """Why an operation failed (code, message): told by the operation only, not by the resource; empty when not known.

    The message has no full stop: it becomes part of a sentence.
    """
    if not operation.name:
        return "", ""
    try:
        with attempting(f"read the operation {operation.name}"):
            result = devtestlabs(lab.subscription).operations.get(operation.location, operation.name)
    except (MissingError, RejectedError):
        return "", ""
    return (result.error.code or "", (result.error.message or "").rstrip(". ")) if result.error else ("", "")
