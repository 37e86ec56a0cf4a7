"""The Azurite child: Microsoft's emulator of blob storage, which keeps the blobs behind the storage front."""

import asyncio
import base64
import hashlib
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from local.azure.certificates import Certificates

_REPOSITORY = Path(__file__).resolve().parents[2]
_DURABILITY = Path(__file__).with_name("azurite_durability.cjs")
_STARTS_WITHIN = 60.0
_STOPS_WITHIN = 10.0


def account_key(account: str) -> str:
    """Keys exist because Azurite wants them. The front refuses every use of one but on disk exports."""
    return base64.b64encode(hashlib.sha512(f"local-azure:{account}".encode()).digest()).decode()


class Azurite:
    """One Azurite process with a fixed port and folder. `accounts` is what it serves now."""

    def __init__(self, folder: Path, port: int, certificates: Certificates) -> None:
        self._folder, self._certificates = folder, certificates
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"https://127.0.0.1:{port}"
        self.accounts: frozenset[str] = frozenset()

    @property
    def _pid_file(self) -> Path:
        return self._folder.with_suffix(".pid")

    async def start(self, accounts: frozenset[str]) -> None:
        """Start with exactly these accounts; returns when it answers."""
        await self._end_leftover()
        self._folder.mkdir(parents=True, exist_ok=True)
        program = _program()
        # fmt: off
        arguments = [
            "--require", str(_DURABILITY), str(program), "--blobHost", "127.0.0.1", "--blobPort", str(self._port),
            "--location", str(self._folder), "--skipApiVersionCheck", "--disableTelemetry", "--silent",
            "--cert", str(self._certificates.certificate), "--key", str(self._certificates.key), "--oauth", "basic",
        ]
        # fmt: on
        environment = {
            **os.environ,
            "AZURITE_ACCOUNTS": ";".join(f"{name}:{account_key(name)}" for name in sorted(accounts)),
            "AZURITE_FOLDER": str(program.parent),
            # A copy makes Azurite read the source over https, from the front.
            "NODE_EXTRA_CA_CERTS": str(self._certificates.authority),
        }
        with self._folder.with_suffix(".log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                shutil.which("node") or "node",
                *arguments,
                env=environment,
                stdin=asyncio.subprocess.PIPE,  # closes when we die, however we die: Azurite then saves and ends
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us only; we stop it in order
            )
        self._pid_file.write_text(str(self._process.pid))
        self.accounts = accounts
        await self._wait_until_it_answers(self._process)

    async def stop(self, *, saving: bool = True) -> None:
        """End it; `saving` lets it write what it still has in memory."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate() if saving else process.kill()
        try:
            await asyncio.wait_for(process.wait(), _STOPS_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
        self._pid_file.unlink(missing_ok=True)

    async def clear(self, accounts: frozenset[str]) -> None:
        """Start over, empty, with these accounts."""
        await self.stop(saving=False)
        shutil.rmtree(self._folder, ignore_errors=True)
        await self.start(accounts)

    async def _wait_until_it_answers(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(_STARTS_WITHIN):
            while True:
                if process.returncode is not None:
                    log = self._folder.with_suffix(".log").read_text(errors="replace")
                    raise RuntimeError(f"Azurite ended with {process.returncode}: {log[-2000:]}")
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
                return

    async def _end_leftover(self) -> None:
        """A predecessor's Azurite that has not noticed yet that its parent died holds our port and our files."""
        if not self._pid_file.exists():
            return
        pid = int(self._pid_file.read_text() or 0)
        for attempt in range(500):
            if not _is_azurite(pid):
                break
            if attempt in (0, 300):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM if attempt == 0 else signal.SIGKILL)
            await asyncio.sleep(0.02)
        self._pid_file.unlink(missing_ok=True)


def _is_azurite(pid: int) -> bool:
    """Whether this process is alive and ours: the number may belong to another program by now."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    command = Path(f"/proc/{pid}/cmdline")
    try:
        return not command.parent.parent.joinpath("self").exists() or _DURABILITY.name.encode() in command.read_bytes()
    except OSError:
        return False


def _program() -> Path:
    """Azurite's own JavaScript, found through AZURITE_BLOB, the repository's node_modules or PATH."""
    candidates = [
        os.environ.get("AZURITE_BLOB"),
        str(_REPOSITORY / "node_modules" / ".bin" / "azurite-blob"),
        shutil.which("azurite-blob"),
    ]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return Path(candidate).resolve()
    raise RuntimeError("azurite-blob is missing: run `npm ci` in the repository")
