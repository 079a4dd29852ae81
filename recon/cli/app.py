"""The `recon` command: one module per sub-command, one place that turns errors into exit codes."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.text import Text

from recon.errors import Refused

COMMANDS = ("ingest", "pull", "run", "fire", "breaks", "flags", "latency", "world", "score", "story")

app = typer.Typer(
    name="recon",
    help="Reconcile what the ledger says happened with what the gateways paid, to the cent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Reconcile what the ledger says happened with what the gateways paid, to the cent."""


def build(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """The app with the sub-commands `names` registered: all, unless one is known to be meant."""
    for name in names:
        if importlib.util.find_spec(f"recon.cli.{name}"):
            importlib.import_module(f"recon.cli.{name}").register(app)
    return app


def main() -> None:
    """Entry point. Refused errors are printed on standard error and end with their own exit code."""
    try:
        # Loading every command takes longer than the start of a run.
        build([name for name in COMMANDS if name in sys.argv[1:2]] or COMMANDS)()
    except Refused as refused:
        message = Text.assemble(("refused: ", "bold red"), str(refused))
        Console(stderr=True, soft_wrap=True, highlight=False).print(message)
        sys.exit(refused.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        # A fault of ours must not look like an answer: 1 would say that --fail-on was met.
        traceback.print_exc()
        sys.exit(70)


if __name__ == "__main__":
    main()
