"""The engine that a name means, set up from this machine's settings."""

from __future__ import annotations

from collections.abc import Callable

from recon import settings
from recon.engine import queries
from recon.engine.duckdb import DuckDbEngine
from recon.engine.port import ENGINES, Engine
from recon.engine.queries import Query
from recon.engine.remote import RemoteEngine
from recon.errors import Refused


def open_engine(name: str, root: str, *, catalog: Callable[[str], Query] = queries.load,
                progress: Callable[[str], None] | None = None) -> Engine:
    """The engine called `name` on the lake at `root` (Lake.root). Raises Refused naming what is missing.

    `progress` is told how long statements are getting on, where the engine is another machine.
    """
    if name == "duckdb":
        return DuckDbEngine(root, catalog=catalog)
    # Their clients are imported only by those who use them, and asked only about a lake that they could read.
    if name == "trino":
        trino = settings.trino_from_environment()
        _require_bucket(name, root)
        from recon.engine.trino import TrinoBackend

        return RemoteEngine(root, TrinoBackend(trino, progress), catalog=catalog)
    if name == "athena":
        athena = settings.athena_from_environment()
        _require_bucket(name, root)
        from recon.engine.athena import AthenaBackend

        return RemoteEngine(root, AthenaBackend(athena, progress), catalog=catalog)
    raise Refused(f"engine {name!r} is unknown; accepted: {', '.join(ENGINES)}")


def _require_bucket(name: str, root: str) -> None:
    if not root.startswith("s3://"):
        raise Refused(f"engine {name} reads lakes on S3, and {root} is a folder; accepted: --lake s3://bucket/prefix, "
                      "or --engine duckdb")
