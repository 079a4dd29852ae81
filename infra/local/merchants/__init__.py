"""A process that receives webhooks as merchants do: verifies, takes each event once, answers as it is told to."""

from infra.local.merchants.client import Client
from infra.local.merchants.process import Merchants

__all__ = ["Client", "Merchants"]
