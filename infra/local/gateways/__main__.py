"""`python -m infra.local.gateways serve --folder DIR [--port N]`: serve until ended; the address is in DIR/endpoint.

`python -m infra.local.gateways settle --folder DIR [--out DIR] [--until WHEN]`: write the settlement files due by then.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from pathlib import Path

from infra.local.errors import LocalRefused
from infra.local.gateways.client import Client
from infra.local.gateways.control import Control
from infra.local.gateways.sender import Sender
from infra.local.gateways.server import Server
from infra.local.gateways.simulator import opened
from infra.local.gateways.wire import ADYEN_ACCOUNT, STRIPE_ACCOUNT, Secrets


def main() -> int:
    """Serves on a loopback port, which it writes to a file once it listens."""
    parser = argparse.ArgumentParser(prog="infra.local.gateways", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve until ended")
    serving.add_argument("--folder", type=Path, required=True, help="where the book and the address are kept")
    serving.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    serving.add_argument("--stripe-account", default=STRIPE_ACCOUNT, help="our account at Stripe")
    serving.add_argument("--adyen-account", default=ADYEN_ACCOUNT, help="our merchant account at Adyen")
    settling = commands.add_parser("settle", help="write the settlement files that are due")
    settling.add_argument("--folder", type=Path, required=True, help="the folder that the simulator serves from")
    settling.add_argument("--out", type=Path, help="where the files go; FOLDER/settlement without it")
    settling.add_argument("--until", help="an instant such as 2026-01-31T12:00:00Z; the gateways' present without it")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return _serve(options) if options.command == "serve" else _settle(options)


def _settle(options: argparse.Namespace) -> int:
    written = options.folder / "endpoint"
    try:
        client = Client(f"{written.read_text(encoding='utf-8')}/_control")
        files = client.settle(options.out or options.folder / "settlement", options.until)
    except (OSError, LocalRefused) as error:
        sys.stderr.write(f"no simulator serves from {options.folder}: {error}\n")
        return 2
    sys.stdout.writelines(f"{file['name']}\n" for file in files)
    return 0


def _serve(options: argparse.Namespace) -> int:
    secrets = Secrets(stripe_account=options.stripe_account, adyen_account=options.adyen_account)
    simulator = opened(options.folder, secrets=secrets, seed=f"{time.time_ns()}",
                       real_now=lambda: time.time_ns() // 1_000_000)
    sender = Sender(simulator)
    server = Server(simulator, Control(simulator, sender), options.port)

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
    sender.start()
    server.serve_forever(poll_interval=0.1)
    sender.stop()
    server.server_close()
    simulator.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
