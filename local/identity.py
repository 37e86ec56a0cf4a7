"""A credential for those who are not the app: a token from the managed-identity endpoint, under a name of their own."""

from typing import Any

import requests
from azure.core.credentials import AccessToken


class EndpointCredential:
    """App Service's protocol; the name lets the simulator's operation log tell the callers apart."""

    def __init__(self, endpoint: str, name: str) -> None:
        self._endpoint, self._name = endpoint, name

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        answer = requests.get(
            self._endpoint,
            params={"api-version": "2019-08-01", "resource": scopes[0].removesuffix("/.default")},
            headers={"X-IDENTITY-HEADER": self._name},
            timeout=10,
        )
        answer.raise_for_status()
        token = answer.json()
        return AccessToken(token["access_token"], int(token["expires_on"]))
