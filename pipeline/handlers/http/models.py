"""Bodies of requests. What is not named here is refused; the OpenAPI document is made from these and from answers."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.handlers.http.problems import FieldProblem, invalid
from pipeline.money import MAX_AMOUNT_MINOR
from pipeline.schemas.currency import ISO_EXPONENTS

_FIELD_LENGTH = 80
NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
"""A database cannot keep NUL, and no reader of logs and files expects the others."""


def _known(code: str) -> str:
    if code not in ISO_EXPONENTS:
        raise ValueError("an upper-case ISO 4217 code is accepted")
    return code


Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT_MINOR,
                              description="Whole minor units of the currency, written without a fraction")]
Currency = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": sorted(ISO_EXPONENTS)})]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.:\-]{2,127}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROL)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,40}$")]
Note = Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROL)]


class _Strict(BaseModel):
    # Built at the first request, not while a cold function loads.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class PaymentRequest(_Strict):
    """A payment to take."""

    amount_minor: Amount
    currency: Currency
    payment_method: Annotated[Token, Field(description="Token of a card, as the gateway's own page gave it")]
    gateway: Literal["stripe", "adyen"] | None = Field(None, description="Chosen by the currency if absent")
    capture: Literal["automatic", "manual"] = Field("automatic", description="manual: authorized now, captured later")
    reference: Reference | None = Field(None, description="The merchant's own, for instance an order")
    # Names that do not match are refused, which the generated schema does not say by itself.
    metadata: Annotated[dict[Label, Note], Field(max_length=16, json_schema_extra={"additionalProperties": False})] = \
        Field(default_factory=dict)


class CaptureRequest(_Strict):
    """What to capture of an authorized payment."""

    amount_minor: Amount | None = Field(None, description="Up to what was authorized; all of it if absent")


class CancelRequest(_Strict):
    """An authorized payment to give back: nothing more is said."""


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], value: object) -> M:
    """`value` as `model`. Raises Problem 422 naming each field; no value that was sent is repeated."""
    if not isinstance(value, dict):
        raise invalid(FieldProblem("", "a JSON object is accepted"))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise invalid(*(FieldProblem(_path(one["loc"]), _words(one["type"], one["msg"])) for one in found)) from None


def _path(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location if part != "[key]")[:_FIELD_LENGTH]


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "this field is not known"
    if kind == "missing":
        return "this field is missing"
    return message.removeprefix("Value error, ")
