"""A batch of queue messages: each is worked on by itself, at once with the others, and fails by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.telemetry import log

FIRST_WAIT_S, LONGEST_WAIT_S = 5, 900
"""That a failed message waits for its next try, each time twice as long. All tries together outlast any lease of a
worker that died, and an outage of half an hour."""


def in_parallel(event: Mapping[str, Any], work: Callable[[str], None], *, sqs: Any, url: str) -> dict[str, Any]:
    """Gives each message's text to `work`, all at the same time, and answers which are to come again.

    What raises Misused comes again at once, since waiting mends nothing: it is soon among the dead letters. What raises
    anything else waits longer each time. `sqs`: boto3's client; `url`: the queue's.
    """
    records: Sequence[Mapping[str, Any]] = event.get("Records", ())
    if not records:
        return {"batchItemFailures": []}
    with ThreadPoolExecutor(len(records), thread_name_prefix="message") as pool:
        failed = [record for record, whole in zip(
            records, pool.map(lambda record: _worked(record, work, sqs, url), records), strict=True) if not whole]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _worked(record: Mapping[str, Any], work: Callable[[str], None], sqs: Any, url: str) -> bool:
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        work(record["body"])
    except Exception as error:
        # Texts of other errors may hold what was in the message.
        reason = str(error) if isinstance(error, Misused | Retryable) else None
        log("message", outcome="misused" if isinstance(error, Misused) else "retryable", error=type(error).__name__,
            reason=reason, attempt=receives)
        wait_s = 0 if isinstance(error, Misused) else min(FIRST_WAIT_S * 2 ** min(receives - 1, 10), LONGEST_WAIT_S)
        _wait(record, wait_s, sqs, url)
        return False
    return True


def _wait(record: Mapping[str, Any], seconds: int, sqs: Any, url: str) -> None:
    try:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds)
    except Exception as error:
        # Then it comes again when the queue's own time is over.
        log("message", outcome="not_moved", error=type(error).__name__)
