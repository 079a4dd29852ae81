"""Workgroups: their settings as the API changes and shows them, and what they mean for a query."""

from __future__ import annotations

import threading
import time
from copy import deepcopy
from typing import Any

from infra.local.athena.errors import invalid

PRIMARY = "primary"
_VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
_LEAST_CUTOFF = 10_000_000


class WorkGroups:
    """All workgroups by name; `primary` is there from the start, without an output location."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[str, dict[str, Any]] = {
            PRIMARY: _made(PRIMARY, {"EnforceWorkGroupConfiguration": False}, "")}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateWorkGroup. Raises ApiError."""
        configuration = {"EnforceWorkGroupConfiguration": True, "PublishCloudWatchMetricsEnabled": False,
                         "RequesterPaysEnabled": False, **deepcopy(request.get("Configuration") or {})}
        _checked(configuration)
        with self._lock:
            if request["Name"] in self._groups:
                raise invalid("WorkGroup is already created")
            self._groups[request["Name"]] = _made(request["Name"], configuration, request.get("Description", ""))
        return {}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetWorkGroup. Raises ApiError."""
        return {"WorkGroup": deepcopy(self.named(request["WorkGroup"]))}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateWorkGroup. Raises ApiError."""
        updates = deepcopy(request.get("ConfigurationUpdates") or {})
        _checked(updates)
        with self._lock:
            group = self._named(request["WorkGroup"])
            configuration = group["Configuration"]
            results = configuration.setdefault("ResultConfiguration", {})
            _apply(results, updates.pop("ResultConfigurationUpdates", {}))
            _apply(configuration, updates)
            for name in ("Description", "State"):
                if name in request:
                    group[name] = request[name]
        return {}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeleteWorkGroup. Raises ApiError."""
        with self._lock:
            self._named(request["WorkGroup"])
            if request["WorkGroup"] == PRIMARY:
                raise invalid("The primary WorkGroup cannot be deleted.")
            del self._groups[request["WorkGroup"]]
        return {}

    def list(self, _request: dict[str, Any]) -> dict[str, Any]:
        """ListWorkGroups, all on one page."""
        with self._lock:
            kept = ("Name", "State", "Description", "CreationTime")
            return {"WorkGroups": [{**{name: group[name] for name in kept},
                                    "EngineVersion": group["Configuration"]["EngineVersion"]}
                                   for _, group in sorted(self._groups.items())]}

    def named(self, name: str) -> dict[str, Any]:
        """The workgroup as the API shows it. Raises ApiError."""
        with self._lock:
            return self._named(name)

    def _named(self, name: str) -> dict[str, Any]:
        if name not in self._groups:
            raise invalid(f"WorkGroup {name} is not found.")
        return self._groups[name]


def output_location(group: dict[str, Any], asked: str | None) -> str:
    """Where a query's results go, ending in '/': the workgroup's place where it is enforced or none was asked for.

    Raises ApiError where there is none.
    """
    own = group["Configuration"].get("ResultConfiguration", {}).get("OutputLocation")
    enforced = group["Configuration"].get("EnforceWorkGroupConfiguration", False)
    chosen = own if own and (enforced or not asked) else asked
    if not chosen:
        raise invalid("No output location provided. An output location is required either through the Workgroup "
                      "result configuration setting or as an API input.")
    if not chosen.startswith("s3://") or len(chosen) <= len("s3://"):
        raise invalid("outputLocation is not a valid S3 path.")
    return str(chosen).rstrip("/") + "/"


def _made(name: str, configuration: dict[str, Any], description: str) -> dict[str, Any]:
    return {"Name": name, "State": "ENABLED", "Description": description, "CreationTime": time.time(),
            "Configuration": {**configuration, "EngineVersion": dict(_VERSION)}}


def _apply(settings: dict[str, Any], updates: dict[str, Any]) -> None:
    for name, value in updates.items():
        if name.startswith("Remove"):
            if value:
                settings.pop(name.removeprefix("Remove"), None)
        elif name != "EngineVersion":
            settings[name] = value


def _checked(configuration: dict[str, Any]) -> None:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < _LEAST_CUTOFF:
        raise invalid(f"BytesScannedCutoffPerQuery must be at least {_LEAST_CUTOFF} bytes")
