"""Bodies of answers, for the OpenAPI document alone: functions write them without a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, StringConstraints


class PaymentAnswer(BaseModel):
    """A payment. `status` is where it stands; with 402 and 409 `code` says why."""

    id: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
    status: str
    amount_minor: int
    currency: str
    gateway: str
    reference: str | None
    code: str | None = None


class FieldError(BaseModel):
    """One member of a refused body."""

    field: str
    problem: str


class ProblemAnswer(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int | None = None
    detail: str
    errors: list[FieldError] | None = None
    payment_id: str | None = None
