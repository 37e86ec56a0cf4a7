"""A simulator of the part of Azure that the image factory uses: ARM, managed identity and blob storage on 127.0.0.1."""

from local.azure.client import Control, LocalAzure

__all__ = ["Control", "LocalAzure"]
