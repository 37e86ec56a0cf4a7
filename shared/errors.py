"""The error tree: what time cures is transient, everything else is permanent."""

from datetime import timedelta


class FactoryError(Exception):
    """Something went wrong that we understand: a stable code, what was attempted and found, and what to do next."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


class PermanentError(FactoryError):
    """Time does not cure it; crosses the seam as data and is never retried."""


class ConfigurationError(PermanentError, ValueError):
    """Our input is wrong; an operator edits it; nothing was touched."""


class RejectedError(PermanentError):
    """Azure said no for good: forbidden, conflict, quota, a failed copy."""


class MissingError(PermanentError, LookupError):
    """It is not there, or gone."""


class ExhaustedError(PermanentError):
    """Attempts or a deadline are used up."""


class TransientError(FactoryError):
    """Throttled, overloaded or timed out; crosses the seam as data and is waited for on a durable timer."""

    def __init__(self, code: str, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after
