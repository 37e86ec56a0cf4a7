"""The nouns of the simulated Azure, as they are stored."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Subscription:
    id: str
    denied: bool = False


@dataclass(frozen=True)
class Lab:
    """`storage` is the account that takes its VHDs; it may lie in another resource group.

    `artifacts` is what the public repository is there: `public`, `empty` (it lists none) or `none` (no such source).
    `artifact_sources` are further ones, as the world gives them.
    """

    subscription: str
    rg: str
    name: str
    location: str
    storage: str
    denied: bool = False
    tags: dict[str, str] | None = None
    artifacts: str = "public"
    artifact_sources: tuple[Json, ...] = ()

    @property
    def id(self) -> str:
        return lab_id(self.subscription, self.rg, self.name)


@dataclass(frozen=True)
class LabVm:
    """A VM as the lab sees it. `notes` and `tags` of None are left out of answers, as in Azure.

    `operation` is the one that applies artifacts to it, while it is `ApplyingArtifacts`.
    """

    subscription: str
    rg: str
    lab: str
    name: str
    state: str
    os_type: str
    compute_id: str
    notes: str | None = None
    tags: dict[str, str] | None = None
    artifacts: tuple[Json, ...] = ()
    created: float = 0
    unique_id: str = ""
    operation: str = ""

    @property
    def lab_id(self) -> str:
        """The ARM id of its lab, which is the part of the table it lies in."""
        return lab_id(self.subscription, self.rg, self.lab)

    @property
    def id(self) -> str:
        return f"{self.lab_id}/virtualmachines/{self.name}".lower()


@dataclass(frozen=True)
class CustomImage:
    """`body` is what the client gave as `properties`. `digest` is that of its VHD when the image was made."""

    subscription: str
    rg: str
    lab: str
    name: str
    state: str
    unique_id: str
    body: Json = field(default_factory=dict[str, Any])
    tags: dict[str, str] | None = None
    author: str | None = None
    creation_date: str | None = None
    digest: str | None = None
    operation: str = ""

    @property
    def lab_id(self) -> str:
        """The ARM id of its lab, which is the part of the table it lies in."""
        return lab_id(self.subscription, self.rg, self.lab)

    @property
    def id(self) -> str:
        return f"{self.lab_id}/customimages/{self.name}".lower()

    @property
    def vhd_uri(self) -> str | None:
        return self.body.get("vhd", {}).get("imageName")


@dataclass(frozen=True)
class Status:
    """One entry of a VM's instance view."""

    code: str
    display: str


@dataclass(frozen=True)
class ComputeVm:
    """`plan` is that of the marketplace image it was made from. Its disks lie in its resource group."""

    subscription: str
    rg: str
    name: str
    location: str
    os_type: str
    os_disk: str
    vm_id: str
    statuses: tuple[Status, ...] = ()
    created: float = 0
    data_disks: tuple[str, ...] = ()
    plan: Json | None = None

    @property
    def id(self) -> str:
        return compute_id(self.subscription, self.rg, "virtualMachines", self.name)

    @property
    def is_generalized(self) -> bool:
        return any(status.code.lower() == "osstate/generalized" for status in self.statuses)

    @property
    def power(self) -> str | None:
        """`running`, `deallocated` and so on; None when the instance view does not say."""
        codes = [status.code for status in self.statuses if status.code.lower().startswith("powerstate/")]
        return codes[-1].partition("/")[2].lower() if codes else None


@dataclass(frozen=True)
class Disk:
    """`vm` is the ARM id of the VM that holds it, or empty. A data disk has no `os_type`."""

    subscription: str
    rg: str
    name: str
    location: str
    os_type: str
    unique_id: str
    size_gb: float
    seed: str
    ownership_updated: str
    created: str
    vm: str = ""
    hyper_v_generation: str = "V1"
    network_access_policy: str = "AllowAll"
    public_network_access: str = "Enabled"
    data_access_auth_mode: str | None = None
    encryption: str = "EncryptionAtRestWithPlatformKey"
    encryption_settings: bool = False
    security_type: str | None = None
    purchase_plan: Json | None = None

    @property
    def id(self) -> str:
        return compute_id(self.subscription, self.rg, "disks", self.name)


@dataclass(frozen=True)
class Grant:
    """An active SAS on a disk. `container` holds the exported VHD; empty for one that the world came with.

    `expires` is real time, as signatures are. A reader of a disk that `requires_token` must show one as well.
    """

    disk: str
    expires: float
    container: str = ""
    caller: str = ""
    requires_token: bool = False


@dataclass(frozen=True)
class Operation:
    """A long-running operation. `ends` None: not known yet. `output` is what its result is once it has succeeded."""

    name: str
    style: str
    started: float
    ends: float | None
    error: Json | None = None
    output: Json | None = None


@dataclass(frozen=True)
class Account:
    """A storage account. `shown` is its name as the world wrote it; the world does not show `system` accounts."""

    name: str
    shown: str
    subscription: str
    rg: str
    system: bool = False
    denied: bool = False


@dataclass(frozen=True)
class Copy:
    """A server-side copy, kept as long as its destination stays what the copy made of it.

    `ends` None: never; it gets as far as `stalls_at` of its bytes. `outcome` is what it will come to unless something
    happens on the way, `status` what it is now. `length` is what it leaves when it should leave less or more than all.
    """

    path: str
    id: str
    source: str
    source_path: str
    source_expires: float | None
    total: int
    started: float
    ends: float | None
    outcome: str
    status: str
    pending_etag: str
    finished: float | None = None
    progress: int | None = None
    description: str | None = None
    stalls_at: float = 0.4
    length: int | None = None


@dataclass(frozen=True)
class Content:
    """What a page blob is known to hold, while its ETag stays the same; copies inherit it."""

    path: str
    etag: str
    digest: str
    is_vhd: bool
    seed: str | None = None
    size_gb: float | None = None


@dataclass(frozen=True)
class Due:
    """Something that happens when the clock reaches `at`."""

    at: float
    kind: str
    key: str
    detail: Json = field(default_factory=dict[str, Any])


def lab_id(subscription: str, rg: str, name: str) -> str:
    """A lab's ARM id as DevTest Labs writes it: lower-cased throughout."""
    return f"/subscriptions/{subscription}/resourcegroups/{rg}/providers/microsoft.devtestlab/labs/{name}".lower()


def compute_id(subscription: str, rg: str, kind: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{rg}/providers/Microsoft.Compute/{kind}/{name}"


def storage_id(subscription: str, rg: str, name: str) -> str:
    """As a lab tells it: lower-cased."""
    return (
        f"/subscriptions/{subscription}/resourcegroups/{rg}/providers/microsoft.storage/storageaccounts/{name}".lower()
    )


def section(document: Json, key: str) -> Json:
    """The object under this key; empty when there is none, or null."""
    return document.get(key) or dict[str, Any]()


def entries(document: Json, key: str) -> list[Json]:
    """The list under this key; empty when there is none, or null."""
    return document.get(key) or list[Json]()
