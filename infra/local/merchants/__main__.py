"""`python -m infra.local.merchants --folder DIR`: serve until ended; the address is in DIR/endpoint."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from infra.local.merchants.book import Book
from infra.local.merchants.server import Server


def main() -> int:
    """Serves on a loopback port, which it writes to a file once it listens."""
    parser = argparse.ArgumentParser(prog="infra.local.merchants", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the address is left")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    server = Server(Book(), options.port)

    def end(*_: object) -> None:
        server.ending.set()
        # shutdown() waits for the loop that this very thread runs.
        threading.Thread(target=server.shutdown).start()

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, end)
    written = options.folder / "endpoint"
    part = written.with_suffix(".part")
    part.write_text(server.endpoint, encoding="utf-8")
    part.replace(written)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
