"""A kernel of this very interpreter that leaves nothing behind: no installed kernel spec, no home folder, no history.

Whatever Jupyter configuration, IPython start-up files or other kernels the account has, a run does not see them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from recon.schedule import secrets

NAME = "python3"
_SOCKET_PATH_MAX = 90
"""Longer socket paths are refused by the operating system; then loopback ports are used."""

_CODE = str(Path(__file__).resolve().parents[2])
"""Where this very code lies: in a function it is not installed, and the kernel is a process of its own."""

_AWS = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip
"""What a run on AWS cannot do without; a local one never sees them."""


_ENGINE = {"trino": ("RECON_TRINO_PASSWORD",)}
"""What a run on an engine logs in with."""


class _OneSpec(KernelSpecManager):
    """Knows one kernel: this interpreter's."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[
                sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
                "--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor",
            ],
            display_name="Python 3", language="python", name=kernel_name,
        )  # fmt: skip


def manager(scratch: Path, environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """The class of a manager for one kernel that sees `environment` and keeps its sockets and files in `scratch`.

    A class and not a manager, because nbclient closes everything only of a manager that it made itself.
    """
    sockets = scratch / "k"
    local = len(os.fsencode(sockets)) < _SOCKET_PATH_MAX and sys.platform != "win32"
    place = {"transport": "ipc", "ip": str(sockets)} if local else {"transport": "tcp", "ip": "127.0.0.1"}

    class Manager(AsyncKernelManager):
        def __init__(self, **_: Any) -> None:
            super().__init__(
                kernel_name=NAME, kernel_spec_manager=_OneSpec(), connection_file=str(scratch / "connection.json"),
                **place,
            )  # fmt: skip

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(**{**options, "env": dict(environment)})

    return Manager


def environment(scratch: Path, values: Mapping[str, object], base: Mapping[str, str]) -> dict[str, str]:
    """What the kernel sees of the environment `base`: no secrets, no Jupyter set-up.

    AWS credentials are passed on where the parameters `values` name another engine than duckdb, or an s3:// address;
    an engine's own password where they name that engine.
    """
    on_aws = values.get("engine", "duckdb") != "duckdb" or any(str(v).startswith("s3://") for v in values.values())
    needed = (*_AWS, *_ENGINE.get(str(values.get("engine")), ())) if on_aws else ()
    kept = {
        name: value
        for name, value in secrets.without(base, keep=needed).items()
        if not name.startswith(("JUPYTER", "IPYTHON", "JPY_"))
    }
    folders = {name: str(scratch / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    code = os.pathsep.join(path for path in (_CODE, kept.get("PYTHONPATH")) if path)
    return {**kept, **folders, "PYTHONPATH": code, "TMPDIR": str(scratch), "JUPYTER_RUNTIME_DIR": str(scratch),
            "JUPYTER_NO_CONFIG": "1", "JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "TZ": "UTC"}  # fmt: skip
