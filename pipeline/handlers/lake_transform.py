"""LakeTransform: tells Firehose where each record of the lake belongs, and which would not convert."""

from __future__ import annotations

from typing import Any

from pipeline.lake.transform import transform
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.metrics import emit


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An event of Firehose's data transformation, and its answer."""
    told = transform(event, refused_as=Settings.of().text("REFUSED_AS"), log=log)
    if told.refused:
        emit({"LakeRecordsRefused": told.refused}, table=told.table)
    log("lake_transform", kind=told.table, count=len(told.records), failed=told.refused)
    return {"records": told.records}
