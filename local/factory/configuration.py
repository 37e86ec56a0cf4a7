"""The configuration that a local run uploads: a folder, or what a world's own files hold."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient, ContentSettings

LABS = "labs.json"


@dataclass(frozen=True)
class ConfigurationFile:
    """A file by its blob name, `/` between folders."""

    name: str
    data: bytes


def folder_files(folder: Path) -> list[ConfigurationFile]:
    """labs.json and everything below GoldenImages."""
    found = [
        ConfigurationFile(path.relative_to(folder).as_posix(), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return [file for file in found if _belongs(file.name)]


def world_files(case: dict[str, Any]) -> list[ConfigurationFile]:
    """The files of a world's `fs`, relative to the configuration location that the case names; none when it has no `fs`."""
    call = case.get("call", {}).get("params", {})
    root = str(call.get("ConfigurationLocation", "C:\\Config")).rstrip("\\/") + "\\"
    files = case.get("world", case).get("fs", [])
    return [file for file in _relative(files, root) if _belongs(file.name)]


def _relative(files: list[dict[str, str]], root: str) -> Iterator[ConfigurationFile]:
    for file in files:
        path = file["path"]
        if path.lower().startswith(root.lower()):
            path = path[len(root) :]
        yield ConfigurationFile(path.replace("\\", "/"), encoded(file["text"], file.get("encoding") or "utf-8"))


def encoded(text: str, encoding: str) -> bytes:
    """Text in one of the encodings of the original's files; "utf-16" is little-endian with a BOM, as PowerShell writes it."""
    if encoding.lower() in ("utf-16", "unicode"):
        return b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")
    return text.encode(
        {"utf8bom": "utf-8-sig", "utf-8-bom": "utf-8-sig"}.get(encoding.lower(), encoding), "surrogatepass"
    )


def _belongs(name: str) -> bool:
    return name.lower() == LABS or name.lower().startswith("goldenimages/")


def upload(container: ContainerClient, files: list[ConfigurationFile]) -> bool:
    """Upload what is new or changed, remove what is not there any more; definitions first, labs.json last: it starts a run.

    The factory's own report beside labs.json stays. False when everything was there unchanged.
    """
    there = {str(blob.name): bytes(blob.content_settings.content_md5 or b"") for blob in container.list_blobs()}
    changed = False
    for name in filter(_belongs, there.keys() - {file.name for file in files}):
        container.delete_blob(name)
        changed = True
    for file in sorted(files, key=lambda file: (file.name.lower() == LABS, file.name)):
        if there.get(file.name) != _md5(file.data) or (changed and file.name.lower() == LABS):
            container.upload_blob(file.name, file.data, overwrite=True, content_settings=_settings(file.data))
            changed = True
    return changed


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _settings(data: bytes) -> ContentSettings:
    return ContentSettings(content_type="application/json", content_md5=bytearray(_md5(data)))
