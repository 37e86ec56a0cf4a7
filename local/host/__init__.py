"""The embedded Functions host: an unmodified app on the real durable SDK, on 127.0.0.1, for development only."""

from local.host.client import LocalHost

__all__ = ["LocalHost"]
