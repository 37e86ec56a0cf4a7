"""A credential for those who are not the app: a token from the managed-identity endpoint, under a name of their own."""

from typing import Any

import requests
from azure.core.credentials import AccessToken


class EndpointCredential:
    """App Service's protocol; the name lets the simulator's operation log tell the callers apart."""

    def __init__(self, endpoint: str, name: str, client_id: str | None = None) -> None:
        self._endpoint, self._name, self._client_id = endpoint, name, client_id

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Raises requests.RequestException when there is no answer."""
        query = {"api-version": "2019-08-01", "resource": scopes[0].removesuffix("/.default")}
        answer = requests.get(
            self._endpoint,
            params=query | ({"client_id": self._client_id} if self._client_id else {}),
            headers={"X-IDENTITY-HEADER": self._name},
            timeout=10,
        )
        answer.raise_for_status()
        token = answer.json()
        return AccessToken(token["access_token"], int(token["expires_on"]))
