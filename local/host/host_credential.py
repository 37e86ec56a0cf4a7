"""The host's own token, told apart from the app's in the simulator's log."""

import os
from typing import Any

import requests
from azure.core.credentials import AccessToken


class HostCredential:
    """Asks the managed-identity endpoint of the environment (App Service protocol).

    With HOST_IDENTITY_HEADER it does so under a name of its own. azure-identity's credential takes the header from the
    environment, which the app in the same process uses.
    """

    def __init__(self, client_id: str | None = None) -> None:
        self._client_id = client_id

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Raises requests.RequestException when there is no answer, KeyError when there is no endpoint to ask."""
        header = os.environ.get("HOST_IDENTITY_HEADER") or os.environ["IDENTITY_HEADER"]
        query = {"api-version": "2019-08-01", "resource": scopes[0].removesuffix("/.default")}
        answer = requests.get(
            os.environ["IDENTITY_ENDPOINT"],
            params=query | ({"client_id": self._client_id} if self._client_id else {}),
            headers={"X-IDENTITY-HEADER": header},
            timeout=10,
        )
        answer.raise_for_status()
        token = answer.json()
        return AccessToken(token["access_token"], int(token["expires_on"]))
