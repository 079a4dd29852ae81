"""Where messages go: an SNS topic, or a list in memory that behaves like one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Protocol

from botocore.exceptions import ClientError

from recon.alerts.letter import LIMIT, SUBJECT, Letter
from recon.errors import Refused
from recon.store import aws
from recon.store.s3 import client

_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_BUSY = frozenset({"Throttled", "Throttling", "ThrottlingException", "KMSThrottling", "InternalError",
                   "InternalFailure", "ServiceUnavailable", "RequestLimitExceeded"})  # fmt: skip
_DENIED = frozenset({"AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException",
                     "KMSAccessDenied", "KMSAccessDeniedException"})  # fmt: skip
_PROGRAMS = ("sqs", "lambda", "http", "https")
"""Protocols that get the JSON; whoever else subscribes gets the text."""


class TopicRefused(Refused):
    """A topic did not take a message: what it is called, why not, and the next step."""


class Topic(Protocol):
    """Somewhere that messages are published."""

    name: str

    def publish(self, letter: Letter) -> str:
        """Publishes once and returns the topic's own id of the message. Raises TopicRefused or AwsRefused.

        After a lost answer it may have been published: sent again it has the same dedup_id.
        """
        ...


class SnsTopic:
    """See Topic."""

    def __init__(self, arn: str) -> None:
        """Raises TopicRefused where `arn` is none, AwsRefused where AWS may not be reached."""
        if not _ARN.fullmatch(arn):
            raise TopicRefused(f"topic {arn!r} is no SNS topic; accepted: its ARN, e.g. "
                               "arn:aws:sns:eu-west-1:123456789012:flags")
        self.name = arn
        self._client = client("sns", f"topic {arn}")

    def publish(self, letter: Letter) -> str:
        """See Topic."""
        require_fit(self.name, letter)
        with aws.plainly(f"topic {self.name} cannot be reached"):
            try:
                answer = self._client.publish(
                    TopicArn=self.name, Subject=letter.subject, Message=structured(letter), MessageStructure="json",
                    MessageAttributes={name: {"DataType": "String", "StringValue": value}
                                       for name, value in letter.attributes.items()})
            except ClientError as error:
                if why := _why(error.response.get("Error", {})):
                    raise TopicRefused(f"topic {self.name} takes no message: {why}") from error
                raise
        return str(answer["MessageId"])


class MemoryTopic:
    """See Topic. Keeps what is published; `refusing` is what it says instead, while there is something."""

    def __init__(self, name: str = "memory", refusing: str = "") -> None:
        self.name = name
        self.refusing = refusing
        self.published: list[Letter] = []

    def publish(self, letter: Letter) -> str:
        """See Topic."""
        require_fit(self.name, letter)
        if self.refusing:
            raise TopicRefused(f"topic {self.name} takes no message: {self.refusing}")
        self.published.append(letter)
        return f"{self.name}-{len(self.published)}"


def structured(letter: Letter) -> str:
    """What is published: the text, and the JSON for subscribers that are programs."""
    return json.dumps({"default": letter.text, **dict.fromkeys(_PROGRAMS, letter.data)}, ensure_ascii=False)


def require_fit(name: str, letter: Letter) -> None:
    """Raises TopicRefused where no topic would take the letter."""
    attributes = sum(len(key) + len(value.encode()) + len("String") for key, value in letter.attributes.items())
    length = len(structured(letter).encode()) + attributes
    if length > LIMIT:
        raise TopicRefused(f"topic {name} takes messages of {LIMIT:,} bytes, and this one has {length:,}")
    if not 0 < len(letter.subject) <= SUBJECT or not (letter.subject.isascii() and letter.subject.isprintable()):
        raise TopicRefused(f"topic {name} takes subjects of 1 to {SUBJECT} plain characters, not {letter.subject!r}")
    if empty := [key for key, value in letter.attributes.items() if not value]:
        raise TopicRefused(f"topic {name} takes no empty attribute, and {', '.join(empty)} is empty")


def _why(error: Mapping[str, str]) -> str:
    """Why a topic refuses, and the next step; empty where it is nothing of topics."""
    code, said = error.get("Code", ""), error.get("Message", "")
    if code in _DENIED:
        return f"access denied ({said or code}); its policy and the role must allow sns:Publish, and the use of its key"
    if code in ("NotFound", "NotFoundException", "404"):
        return f"there is none of that name ({said or code}); check account, region and name, or make it"
    if code in _BUSY:
        return f"it asks to slow down ({code}), and repeating did not help; what is due is sent with the next run"
    if code in ("EndpointDisabled", "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"):
        return f"{said or code}"
    return ""
