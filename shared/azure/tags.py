"""The tags that the factory reads and writes; their names are compared without case, as Azure does (W6)."""

from collections.abc import Mapping

IMAGE_PATH = "ImagePath"
IGNORE = "FactoryIgnore"
GENERALIZE = "FactoryGeneralize"
IMAGE_STATE = "FactoryImageState"
FACTORY = "FactoryId"
RUN = "FactoryRun"
DIGEST = "FactoryDigest"
BUILT = "FactoryBuilt"
CONFIGURATION = "FactoryConfiguration"


def by_name(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Tags by lower-cased name."""
    return {name.lower(): value for name, value in (tags or {}).items()}
