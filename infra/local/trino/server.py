"""A real Trino server, and workers beside it, over the emulator's S3 and Glue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Self
from urllib.parse import urlsplit

import trino.dbapi

from infra.local.errors import LocalRefused
from infra.local.guard import child_environment, client
from infra.local.processes import Server, answers, free_port
from infra.local.trino import java
from infra.local.trino.install import home, installed

START_SECONDS = 240.0
METASTORE_BUCKET = "trino-metastore"
_TEMPLATES = Path(__file__).with_name("etc")
_TRIES = 3

JVM = (
    "-Xmx2G", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
    # Most of a short query's time goes into compiling, and the second compiler costs more than it gains here.
    "-XX:TieredStopAtLevel=1",
    # One compiler alone gets 48 MB for its code; when that is full, queries fail for want of a method handle.
    "-XX:ReservedCodeCacheSize=256M",
    # It would leave files in the system's temp folder.
    "-XX:-UsePerfData",
    # Without it the server cannot look at itself and does not start.
    "-Djdk.attach.allowAttachSelf=true", "-Djol.skipHotspotSAAttach=true",
    "-Djava.net.preferIPv4Stack=true", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC",
)


@dataclass
class Trino:
    """A running coordinator, which works too, with its workers; `url` is where clients connect.

    Catalog `lake` is Hive over Glue with projected partitions, catalog `scratch` Hive over a metastore in files.
    """

    url: str
    folder: Path
    aws: Mapping[str, str]
    frozen: Sequence[str] = ()
    servers: list[Server] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path, *, aws: Mapping[str, str], workers: int = 0, frozen: Sequence[str] = ()) -> Self:
        """Starts one, everything below `folder` (made if absent), and returns when it takes queries.

        `frozen` names databases whose objects stay as they are for as long as it runs: their folders are listed once.
        Raises LocalRefused naming what is missing, or with the end of the server's log.
        """
        runtime = java.java()
        if not installed():
            raise LocalRefused(f"there is no Trino in {home()}; run `python -m infra.local.trino.install`")
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        _bucket(aws)
        running = cls("", folder, aws, frozen)
        running.servers.append(running._coordinator(runtime))
        try:
            for _ in range(workers):
                running.add_worker()
        except BaseException:
            running.stop()
            raise
        return running

    def add_worker(self) -> str:
        """Starts one more worker and returns its address once the coordinator counts it in."""
        port = free_port()
        worker = self._server(java.java(), f"worker-{len(self.servers)}", port, coordinator=False)
        self.servers.append(worker)
        address = f"http://127.0.0.1:{port}"
        worker.wait(lambda: _started(address) and self.nodes() >= len(self.servers), seconds=START_SECONDS)
        return address

    def nodes(self) -> int:
        """How many servers, the coordinator among them, the coordinator gives work to."""
        return int(self.execute("SELECT count(*) FROM system.runtime.nodes WHERE state = 'active'")[0][0])

    def execute(self, sql: str) -> list[list[Any]]:
        """Rows of one statement. Raises the client's TrinoError where the server refuses it."""
        address = urlsplit(self.url)
        connection: Any = trino.dbapi.Connection(host=address.hostname or "", port=address.port, user="recon")
        cursor = connection.cursor()
        cursor.execute(sql)
        rows: list[list[Any]] = cursor.fetchall()
        return rows

    def stop(self) -> None:
        """Ends workers and coordinator, then removes the folder. May be repeated."""
        for server in reversed(self.servers):
            # There is nothing to save, and asked kindly it takes its time.
            server.stop(patience=0)
            # Ended like this it leaves the socket behind by which it looked at itself, always in this folder.
            Path(f"/tmp/.java_pid{server.pid}").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _coordinator(self, runtime: Path) -> Server:
        for tried in range(1, _TRIES + 1):
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            server = self._server(runtime, "coordinator", port, coordinator=True)
            try:
                server.wait(lambda: _started(self.url), seconds=START_SECONDS)
                return server
            except LocalRefused:
                server.stop()
                # Somebody else may have taken the port since we asked for it.
                if tried == _TRIES or "Failed to bind" not in server.tail():
                    raise
            except BaseException:
                server.stop()
                raise
        raise AssertionError("the last try returns or raises")

    def _server(self, runtime: Path, node: str, port: int, *, coordinator: bool) -> Server:
        folder = self.folder / node
        _configure(folder, self.aws, port=port, discovery=self.url, coordinator=coordinator, frozen=self.frozen)
        command = [str(runtime), *JVM, f"-Dnode.id={node}", "-Dnode.environment=local",
                   f"-Dnode.data-dir={folder / 'data'}", "-Dnode.internal-address=127.0.0.1",
                   "-Dnode.bind-ip=127.0.0.1", f"-Dconfig={folder / 'etc' / 'config.properties'}",
                   f"-Dlog.levels-file={folder / 'etc' / 'log.properties'}", f"-Djava.io.tmpdir={folder / 'tmp'}",
                   "-cp", f"{home() / 'launch'}:{home() / 'lib'}/*", "Launch"]
        return Server(f"Trino's {node}", command, environment=child_environment(self.aws), folder=folder,
                      log=folder / "server.log")


def _configure(folder: Path, aws: Mapping[str, str], *, port: int, discovery: str, coordinator: bool,
               frozen: Sequence[str]) -> None:
    values = {
        "port": str(port), "discovery": discovery, "coordinator": str(coordinator).lower(), "folder": str(folder),
        "home": str(home()), "region": aws["AWS_REGION"], "key": aws["AWS_ACCESS_KEY_ID"],
        "secret": aws["AWS_SECRET_ACCESS_KEY"], "s3": aws.get("AWS_ENDPOINT_URL_S3", aws["AWS_ENDPOINT_URL"]),
        "frozen": ",".join(f"{database}.*" for database in frozen) or "none.none",
        "glue": aws.get("AWS_ENDPOINT_URL_GLUE", aws["AWS_ENDPOINT_URL"]), "scratch": f"s3://{METASTORE_BUCKET}/catalog",
    }
    for part in ("etc/catalog", "data", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    written = {"etc/config.properties": ("config", "coordinator") if coordinator else ("config",),
               "etc/log.properties": ("log",), "etc/catalog/lake.properties": ("catalog-lake", "hive"),
               "etc/catalog/scratch.properties": ("catalog-scratch", "hive")}
    for target, templates in written.items():
        texts = [(_TEMPLATES / f"{name}.properties").read_text(encoding="utf-8") for name in templates]
        (folder / target).write_text(Template("".join(texts)).substitute(values), encoding="utf-8")


def _bucket(aws: Mapping[str, str]) -> None:
    s3 = client("s3", aws)
    if METASTORE_BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=METASTORE_BUCKET)


def _started(url: str) -> bool:
    said = answers(f"{url}/v1/info")
    return said is not None and json.loads(said)["starting"] is False
