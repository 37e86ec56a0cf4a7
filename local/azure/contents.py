"""What page blobs hold: known from how they were made, else read."""

from local.azure.blob_store import BlobFacts, BlobPath, BlobStore
from local.azure.resources import Content
from local.azure.state import State
from local.azure.vhd import FOOTER_SIZE, PAGE, is_fixed_footer, seeded_digest, vhd_length


class Contents:
    """A record holds while the blob's ETag does. It saves reading a VHD again for every lab that gets it."""

    def __init__(self, state: State, blobs: BlobStore) -> None:
        self._state, self._blobs = state, blobs

    def record_vhd(self, path: BlobPath, etag: str, seed: str, size_gb: float) -> Content:
        """Remember a VHD that was made from its seed."""
        digest = seeded_digest(seed, vhd_length(size_gb))
        return self._keep(path, Content(str(path), etag, digest, is_vhd=True, seed=seed, size_gb=size_gb))

    def known(self, path: BlobPath, etag: str) -> Content | None:
        content = self._state.contents.get(path.part, path.name)
        return content if content is not None and content.etag == etag else None

    async def of(self, path: BlobPath, facts: BlobFacts) -> Content:
        """What the blob holds now, read if need be."""
        if content := self.known(path, facts.etag):
            return content
        sound = False
        if facts.is_page_blob and facts.length >= FOOTER_SIZE and facts.length % PAGE == 0:
            footer = await self._blobs.read(path, facts.length - FOOTER_SIZE, FOOTER_SIZE)
            sound = is_fixed_footer(footer, facts.length)
        digest = await self._blobs.digest(path, facts)
        return self._keep(path, Content(str(path), facts.etag, digest, is_vhd=sound))

    def inherit(self, source: BlobPath, source_etag: str, target: BlobPath, target_etag: str) -> None:
        """A copy holds what its source holds."""
        content = self.known(source, source_etag)
        if content is not None:
            copied = Content(
                str(target), target_etag, content.digest, content.is_vhd, seed=content.seed, size_gb=content.size_gb
            )
            self._keep(target, copied)

    def _keep(self, path: BlobPath, content: Content) -> Content:
        return self._state.contents.put(path.part, path.name, content)
