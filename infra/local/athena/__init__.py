"""A server that speaks the Athena API on loopback, over Trino or DuckDB."""

from infra.local.athena.process import Athena

__all__ = ["Athena"]
