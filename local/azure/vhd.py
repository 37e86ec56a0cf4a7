"""Fixed-format VHDs: a sparse disk made from a seed, its footer, and the digest that tells two disks apart."""

import hashlib
import struct
import uuid
from collections.abc import Iterator

PAGE = 512
FOOTER_SIZE = 512
_BLOCK = 64 * 1024
_BLOCKS = 3
_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_CHECKSUM_AT = 64


def vhd_length(size_gb: float) -> int:
    """Bytes of the page blob: the disk, rounded up to a MiB as Azure demands, and the footer."""
    mebibytes = max(1, -(-int(size_gb * 1024**3) // 1024**2))
    return mebibytes * 1024**2 + FOOTER_SIZE


def vhd_blocks(seed: str, length: int) -> Iterator[tuple[int, bytes]]:
    """The parts that are not zero, as (offset, bytes): the same for equal seed and length, always."""
    disk_size = length - FOOTER_SIZE
    slots = disk_size // _BLOCK
    chosen = sorted({0, *(_number(f"{seed}:slot{n}") % slots for n in range(1, _BLOCKS))})
    for slot in chosen:
        yield slot * _BLOCK, hashlib.shake_256(f"{seed}:{slot}".encode()).digest(_BLOCK)
    yield disk_size, fixed_footer(disk_size, seed)


def fixed_footer(disk_size: int, seed: str) -> bytes:
    """The last 512 bytes of a fixed VHD (Microsoft's VHD specification 1.0)."""
    cylinders, heads, sectors = _geometry(disk_size)
    # fmt: off
    footer = _FOOTER.pack(
        b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF, 0, b"locl", 0x10000, b"Wi2k", disk_size, disk_size,
        cylinders, heads, sectors, 2, 0, hashlib.md5(seed.encode(), usedforsecurity=False).digest(), 0,
    )
    # fmt: on
    return footer[:_CHECKSUM_AT] + struct.pack(">I", ~sum(footer) & 0xFFFFFFFF) + footer[_CHECKSUM_AT + 4 :]


def is_fixed_footer(footer: bytes, length: int) -> bool:
    """Whether these are the last 512 bytes of a sound fixed VHD of `length` bytes."""
    if len(footer) != FOOTER_SIZE or footer[:8] != b"conectix":
        return False
    without_checksum = footer[:_CHECKSUM_AT] + b"\0\0\0\0" + footer[_CHECKSUM_AT + 4 :]
    fields = _FOOTER.unpack(footer)
    disk_size, disk_type, checksum = fields[9], fields[13], fields[14]
    return checksum == ~sum(without_checksum) & 0xFFFFFFFF and disk_type == 2 and disk_size == length - FOOTER_SIZE


class Digest:
    """SHA-256 over the length and every 512-byte page that is not all zero, with its offset.

    Zeros cost nothing, and how ranges are split makes no difference. Add parts in ascending order, each at a page border.
    """

    def __init__(self, length: int) -> None:
        self._hash = hashlib.sha256(struct.pack(">Q", length))

    def add(self, offset: int, data: bytes) -> None:
        for at in range(0, len(data), PAGE):
            page = data[at : at + PAGE]
            if page.count(0) != len(page):
                self._hash.update(struct.pack(">Q", offset + at) + page)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def seeded_digest(seed: str, length: int) -> str:
    """The digest of the VHD that `vhd_blocks` makes, without reading it back."""
    digest = Digest(length)
    for offset, data in vhd_blocks(seed, length):
        digest.add(offset, data)
    return digest.hexdigest()


def seeded_uuid(text: str) -> str:
    """An id that a restart, or another machine, makes again from the same text."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.lower()))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _geometry(disk_size: int) -> tuple[int, int, int]:
    total = min(disk_size // PAGE, 65535 * 16 * 255)
    if total > 65535 * 16 * 63:
        sectors, heads, tracks = 255, 16, total // 255
    else:
        sectors, tracks = 17, total // 17
        heads = max((tracks + 1023) // 1024, 4)
        if tracks >= heads * 1024 or heads > 16:
            sectors, heads, tracks = 31, 16, total // 31
        if tracks >= heads * 1024:
            sectors, heads, tracks = 63, 16, total // 63
    return tracks // heads, heads, sectors
