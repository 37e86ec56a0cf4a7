"""A server-side copy that runs, and how far it is."""

from dataclasses import dataclass

from shared.azure.labs import factory_lab
from shared.azure.vhds import Vhds
from shared.domain.waiting import DONE, Progress
from shared.errors import MissingError, RejectedError
from shared.journal import cancelled, read_claim


@dataclass(frozen=True)
class RunningCopy:
    """What to ask about: where the copy is written, its id, the length it must have. No secret in it."""

    account: str
    vhd: str
    copy_id: str
    size_bytes: int | None = None


def copy_progress(copy: RunningCopy) -> Progress:
    """How far the copy is; raises RejectedError when it can never be used (I3), MissingError when it is gone.

    A copy that still runs in a run that was cancelled raises `Cancelled`.
    """
    vhds = Vhds(copy.account)
    name = f"{vhds}/{copy.vhd}"
    vhd = vhds.find_vhd(copy.vhd)
    if vhd is None:
        raise MissingError("CopyGone", f"The copy {name} is gone.", "The next run starts it afresh.")
    if vhd.copy_id != copy.copy_id:
        raise RejectedError("CopyReplaced", f"Somebody else wrote to {name}.", "The next run starts it afresh.")
    if vhd.copy_status == "pending":
        # Nobody needs it any more in a run that was cancelled: who asks settles, and settling aborts it.
        claim = read_claim(factory_lab().account).claim
        if claim is not None and claim.cancelled:
            raise cancelled()
        return Progress(True, vhd.done_bytes, vhd.total_bytes)
    if vhd.copy_status != "success":
        reason = f": {vhd.copy_reason}" if vhd.copy_reason else ""
        raise RejectedError(
            "CopyFailed", f"The copy to {name} ended as {vhd.copy_status}{reason}.", "The next run starts it afresh."
        )
    if copy.size_bytes is not None and vhd.size_bytes != copy.size_bytes:
        raise RejectedError(
            "CopyLength",
            f"The copy {name} has {vhd.size_bytes:,} bytes instead of {copy.size_bytes:,}.",
            "The next run starts it afresh.",
        )
    return DONE
