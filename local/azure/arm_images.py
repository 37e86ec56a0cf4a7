"""Microsoft.DevTestLab/labs/customImages: what DevTest Labs checks, and how an image comes to be.

The `vhd` form was never recorded; its refusals follow user reports and are assumptions where those are silent.
"""

import re
from dataclasses import replace
from urllib.parse import unquote

from local.azure.arm_answers import Answer, ArmCall, ArmError, bad_request, conflict, not_found
from local.azure.arm_labs import Labs, find_lab
from local.azure.arm_operations import Operations
from local.azure.blob_store import BlobPath, BlobStore
from local.azure.clock import iso
from local.azure.contents import Contents
from local.azure.image_source_vms import SPECIALIZED, ImageSourceVms, os_state
from local.azure.resources import CustomImage, Due, Json, Lab, compute_id, section
from local.azure.state import State
from local.azure.vhd import PAGE, seeded_uuid

_NAME = re.compile(r"[A-Za-z0-9_()\-]{1,80}")
_OS_TYPES = {"windows": "Windows", "linux": "Linux", "none": "None"}
_DEFAULT_SECONDS = 2.0
_DELETE_SECONDS = 0.5
_GONE = {
    "code": "ImageSourceNotFound",
    "message": "The source blob was deleted or replaced while the image was created.",
}


class CustomImages:
    """Images by lab. One that is being created fails when its VHD goes away, or its VM."""

    def __init__(
        self,
        state: State,
        operations: Operations,
        labs: Labs,
        blobs: BlobStore,
        contents: Contents,
        sources: ImageSourceVms,
    ) -> None:
        self._state, self._operations, self._labs, self._sources = state, operations, labs, sources
        self._blobs, self._contents = blobs, contents
        self._storage = ""
        self._readers: dict[str, set[str]] = {}
        state.timeline.on("image", self._end_creation)

    def use_storage(self, base: str) -> None:
        """Say where the storage front is, and learn again which images are under way."""
        self._storage = base.lower()
        self._readers = {}
        for image in self._state.images.all():
            if image.state == "Creating":
                self._watch(image)

    async def list(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "customImages/read")
        return self._labs.page(call, [_body(image) for image in self._state.images.part(lab.id)])

    async def get(self, call: ArmCall) -> Answer:
        return Answer(200, _body(self._find(call)))

    async def put(self, call: ArmCall) -> Answer:
        """Check everything, then begin. An existing image is never changed."""
        lab = find_lab(self._state, call, "customImages/write")
        name, properties = call.name("image"), section(call.body, "properties")
        if not _NAME.fullmatch(name):
            message = f"The custom image name '{name}' is invalid: 1 to 80 letters, digits, '_', '-', '(' or ')'."
            raise bad_request("InvalidCustomImageName", message)
        self._refuse_existing(lab, name)
        if properties.get("vhd"):
            digest = await self._check_vhd(lab, properties["vhd"])
        elif properties.get("vm"):
            digest = self._sources.check(lab, properties["vm"])
        else:
            raise bad_request("InvalidRequestContent", "A custom image needs either 'vhd' or 'vm'.")
        # While the VHD was looked at, another call may have come first.
        self._refuse_existing(lab, name)
        return self._begin(call, lab, name, properties, digest)

    async def patch(self, call: ArmCall) -> Answer:
        """Tags only, as the service documents."""
        image = self._find(call, "customImages/write")
        changed = replace(image, tags=call.body.get("tags", image.tags))
        return Answer(200, _body(self._keep(changed)), effect="update")

    async def delete(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "customImages/delete")
        image = self._state.images.get(lab.id, call.name("image"))
        if image is None:
            return Answer(204)
        with self._state.store.transaction():
            self.remove(image)
            operation = self._operations.begin("dtl", _DELETE_SECONDS)
        return self._operations.accepted(call, operation, lab.location, effect="delete")

    def remove(self, image: CustomImage) -> None:
        """Let it be gone; if it was being created, that ends."""
        self._forget(image)
        self._state.images.delete(image.lab_id, image.name)
        if image.state == "Creating" and image.operation:
            self._operations.end(image.operation, {"code": "Canceled", "message": "The image was deleted."})

    def vhd_gone(self, path: BlobPath) -> None:
        """To be called when a blob was deleted or replaced: image creations that read it fail."""
        for key in list(self._readers.get(str(path), ())):
            lab, _, name = key.rpartition("/customimages/")
            image = self._state.images.get(lab, name)
            if image is not None and image.state == "Creating":
                self._fail(image, _GONE)

    def resume(self, image: CustomImage, seconds: float | None) -> None:
        """Let an image that the world came with be under way."""
        self._watch(image)
        if seconds is not None:
            self._schedule(image, seconds)

    def _find(self, call: ArmCall, action: str = "customImages/read") -> CustomImage:
        lab = find_lab(self._state, call, action)
        image = self._state.images.get(lab.id, call.name("image"))
        if image is None:
            names = f"{call.name('lab')}/{call.name('image')}"
            raise not_found("Microsoft.DevTestLab/labs/customImages", names, call.group)
        return image

    def _refuse_existing(self, lab: Lab, name: str) -> None:
        if (image := self._state.images.get(lab.id, name)) is not None:
            if image.state == "Creating":
                raise conflict("OperationInProgress", f"Another operation is in progress on the custom image '{name}'.")
            raise conflict("CannotSetProperty", f"Cannot set property 'vhd' of the existing custom image '{name}'.")

    async def _check_vhd(self, lab: Lab, vhd: Json) -> str:
        """Raise what the service would; returns the digest of the VHD."""
        os_type, uri = str(vhd.get("osType") or ""), str(vhd.get("imageName") or "")
        if os_type.lower() not in _OS_TYPES:
            raise bad_request("InvalidRequestContent", "The property 'vhd.osType' is required: Windows, Linux or None.")
        path = self._parse(uri)
        if path.account.lower() != lab.storage.lower():
            raise bad_request("InvalidStorageAccountForLab", f"Invalid storage account for lab: {path.account}.")
        if "/" in path.name:
            message = f"The blob name '{path.name}' contains a slash. This is presently not supported for disks."
            raise bad_request("InvalidParameter", message)
        facts = await self._blobs.head(path)
        if facts is None:
            raise bad_request("VhdNotFound", f"The VHD '{uri}' was not found.")
        copy = self._state.copies.get(path.part, path.name)
        if copy is not None and copy.status == "pending":
            raise conflict("PendingCopyOperation", f"There is currently a pending copy operation on '{uri}'.")
        if copy is not None and copy.status != "success":
            raise bad_request("InvalidVhd", f"The copy that made '{uri}' did not succeed.")
        if not facts.is_page_blob:
            raise bad_request("InvalidVhd", f"The source blob '{uri}' is not a page blob.")
        content = await self._contents.of(path, facts)
        if facts.length % PAGE or not content.is_vhd:
            raise bad_request("InvalidVhd", f"The blob '{uri}' is not a fixed VHD: its footer or its size is wrong.")
        return content.digest

    def _parse(self, uri: str) -> BlobPath:
        if not uri.lower().startswith(self._storage + "/") or "?" in uri:
            raise bad_request("InvalidVhdUri", f"'{uri}' is not the plain URL of a blob.")
        try:
            path = BlobPath.parse(unquote(uri[len(self._storage) :]))
        except ValueError as error:
            raise bad_request("InvalidVhdUri", f"'{uri}' is not the plain URL of a blob.") from error
        return replace(path, account=path.account.lower())

    def _begin(self, call: ArmCall, lab: Lab, name: str, properties: Json, digest: str | None) -> Answer:
        with self._state.store.transaction():
            operation = self._operations.begin("dtl", None)
            image = CustomImage(
                lab.subscription,
                lab.rg,
                lab.name,
                name,
                "Creating",
                seeded_uuid(f"{lab.id}/{name}/{operation.name}"),
                {key: value for key, value in properties.items() if key in ("vhd", "vm", "description")},
                call.body.get("tags"),
                properties.get("author") or f"{call.caller}@example.com",
                iso(self._state.clock.now()),
                digest,
                operation.name,
            )
            self._keep(image)
            self._watch(image)
            seconds = float(self._script(image).get("seconds", self._default_seconds))
            self._sources.begin(image, seconds)
            self._schedule(image, seconds)
        return self._operations.accepted(call, operation, lab.location, effect="create", status=201, body=_body(image))

    @property
    def _default_seconds(self) -> float:
        return float(self._state.behave.get("imageSeconds", _DEFAULT_SECONDS))

    def _schedule(self, image: CustomImage, seconds: float) -> None:
        self._state.timeline.schedule(
            Due(self._state.clock.now() + seconds, "image", image.id, {"id": image.unique_id})
        )

    def _script(self, image: CustomImage) -> Json:
        """What the world's `behave.deploy` says of this image: "Failed", or an object with `state` and more."""
        return self._state.script("deploy", f"{image.lab}/{image.name}", f"{image.lab}/*", "*")

    async def _end_creation(self, due: Due) -> None:
        lab, _, name = due.key.rpartition("/customimages/")
        image = self._state.images.get(lab, name)
        if image is None or image.state != "Creating" or image.unique_id != due.detail.get("id"):
            return
        script = self._script(image)
        if script.get("state", "Succeeded") != "Succeeded":
            code = script.get("code", "ImageCreationFailed")
            message = script.get("message", f"Creating the image '{name}' failed.")
            self._fail(image, {"code": code, "message": message})
            return
        if error := self._sources.end(image):
            self._fail(image, error)
            return
        with self._state.store.transaction():
            self._forget(image)
            self._keep(replace(image, state="Succeeded"))
            if image.operation:
                self._operations.end(image.operation)

    def _fail(self, image: CustomImage, error: Json) -> None:
        with self._state.store.transaction():
            self._forget(image)
            self._keep(replace(image, state="Failed"))
            if image.operation:
                self._operations.end(image.operation, error)

    def _keep(self, image: CustomImage) -> CustomImage:
        return self._state.images.put(image.lab_id, image.name, image)

    def _watch(self, image: CustomImage) -> None:
        if image.vhd_uri and (path := self._readable(image.vhd_uri)):
            self._readers.setdefault(path, set()).add(image.id)

    def _forget(self, image: CustomImage) -> None:
        if image.vhd_uri and (path := self._readable(image.vhd_uri)):
            self._readers.get(path, set()).discard(image.id)

    def _readable(self, uri: str) -> str | None:
        try:
            return str(self._parse(uri))
        except ArmError:
            return None


def _body(image: CustomImage) -> Json:
    properties: Json = dict(image.body)
    if image.author is not None:
        properties["author"] = image.author
    if image.creation_date is not None:
        properties["creationDate"] = image.creation_date
    if image.state == "Succeeded":
        properties |= _managed(image)
    properties |= {"provisioningState": image.state, "uniqueIdentifier": image.unique_id}
    body: Json = {
        "properties": properties,
        "id": image.id,
        "name": image.name,
        "type": "Microsoft.DevTestLab/labs/customImages",
    }
    return body if image.tags is None else {**body, "tags": image.tags}


def _managed(image: CustomImage) -> Json:
    """Generalized gives a managed image, specialized a snapshot (recorded in devtestlab/test_lab_custom_image.json)."""
    vm = image.body.get("vm", {})
    specialized = os_state(vm) in SPECIALIZED if vm else image.body.get("vhd", {}).get("sysPrep") is False
    key, kind = ("managedSnapshotId", "snapshots") if specialized else ("managedImageId", "images")
    return {key: compute_id(image.subscription, image.rg, kind, image.name).lower()}
