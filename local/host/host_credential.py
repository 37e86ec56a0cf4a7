"""The host's own token, told apart from the app's in the simulator's log."""

import os

from local.identity import EndpointCredential


class HostCredential(EndpointCredential):
    """Asks the managed-identity endpoint of the environment, with HOST_IDENTITY_HEADER under a name of its own.

    azure-identity's credential takes the header from the environment, which the app in the same process uses. Raises KeyError
    when there is no endpoint to ask.
    """

    def __init__(self, client_id: str | None = None) -> None:
        name = os.environ.get("HOST_IDENTITY_HEADER") or os.environ["IDENTITY_HEADER"]
        super().__init__(os.environ["IDENTITY_ENDPOINT"], name, client_id)
