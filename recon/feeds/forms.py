"""What a cell is meant to hold, for formats whose cells have types of their own: a number is no safe reference."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from recon.feeds.fields import Amount, Context, Field, Rate
from recon.feeds.timefields import Instant, LabelTime


class Form(IntEnum):
    """Where a column is read in several ways, the largest form rules."""

    TEXT = 0
    RATE = 1
    AMOUNT = 2
    TIME = 3


def expected(fields: Iterable[Field], ctx: Context) -> dict[int, Form]:
    """Positions of the columns that the fields read, in file order, with what they are meant to hold.

    These positions are the allow-list: no other column leaves the file.
    """
    forms: dict[int, Form] = {}
    for field in fields:
        for name in field.reads(ctx):
            for position in ctx.header.positions(name):
                forms[position] = max(_form(field, name), forms.get(position, Form.TEXT))
    return dict(sorted(forms.items()))


def _form(field: Field, name: str) -> Form:
    if isinstance(field, Amount):
        return Form.AMOUNT if name == field.header else Form.TEXT
    if isinstance(field, Instant):
        return Form.TEXT if isinstance(field, LabelTime) and name == field.label else Form.TIME
    return Form.RATE if isinstance(field, Rate) else Form.TEXT
