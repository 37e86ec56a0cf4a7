"""How the tests read what Azure's SDKs raise."""

from azure.core.exceptions import HttpResponseError
from pytest import ExceptionInfo


def refused_with(caught: ExceptionInfo[HttpResponseError]) -> str:
    """Azure's own code of a refusal: from ARM's envelope, or from storage's header."""
    if caught.value.error is not None and caught.value.error.code:
        return caught.value.error.code
    return getattr(caught.value, "error_code", "")
