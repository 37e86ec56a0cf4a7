"""Entra tokens, for an app with App Service authentication."""

from collections.abc import Callable
from typing import Any

from cli.ending import CommandError, Exit


def token_for(scope: str) -> Callable[[], str]:
    """A source of tokens of whoever is signed in here: `az login`, a workload identity, a managed identity."""
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError:
        message = "An Entra token needs azure-identity, which is not installed."
        raise CommandError(message, "pipx inject image-factory azure-identity", Exit.USAGE) from None
    credential: Any = DefaultAzureCredential()

    def token() -> str:
        try:
            return credential.get_token(scope).token
        except ClientAuthenticationError as error:
            first = error.message.strip().splitlines()[0]
            message = f"There is no Entra token for {scope}: {first}"
            raise CommandError(message, f"Sign in: az login --scope {scope}") from None

    return token
