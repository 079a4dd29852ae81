"""`python -m infra.local.athena --endpoint-file FILE [--port N] [--trino URL]`: serve until ended.

The environment says where S3 and Glue are (infra.local.guard).
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from infra.local.athena.backends.duckdb import DuckDbBackend
from infra.local.athena.backends.port import Backend
from infra.local.athena.backends.trino import TrinoBackend
from infra.local.athena.catalog import Catalog
from infra.local.athena.server import Server
from infra.local.athena.service import Service
from infra.local.athena.storage import Store
from infra.local.guard import require_loopback


def main() -> int:
    """Serves on a loopback port, which it writes to a file once it listens."""
    parser = argparse.ArgumentParser(prog="infra.local.athena", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--endpoint-file", type=Path, help="file that gets the address")
    parser.add_argument("--trino", help="address of the Trino server that runs the statements; without it DuckDB does")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    catalog, store = Catalog(), Store()
    backend: Backend = DuckDbBackend(catalog, store)
    if options.trino:
        require_loopback(options.trino, "Trino")
        backend = TrinoBackend(options.trino, store)
    service = Service(backend, catalog, store)
    server = Server(service, options.port)
    for ending in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this very thread runs.
        signal.signal(ending, lambda *_: threading.Thread(target=server.shutdown).start())
    if options.endpoint_file:
        part = options.endpoint_file.with_suffix(".part")
        part.write_text(server.endpoint, encoding="utf-8")
        part.replace(options.endpoint_file)
    logging.getLogger(__name__).info("%s on %s", backend.name, server.endpoint)
    server.serve_forever(poll_interval=0.1)
    service.close()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
