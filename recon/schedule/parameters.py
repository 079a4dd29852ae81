"""What a notebook takes, read from its cell tagged `parameters`, and what it was given, checked against that.

Every line of the cell is one parameter: a literal default and a comment that says its type and what is accepted, as in
`window = "T+7"  # str, required: hourly, T+7, T+14 or T+30`. Types are str, path, int, float and bool, `or None` after
them where nothing may be given. A `path` is a str that is read from the folder of whoever starts the run.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recon.errors import Refused
from recon.schedule import secrets

Scalar = str | int | float | bool | None
TAG = "parameters"

_COMMENT = re.compile(r"#\s*(?P<type>\w+)(?P<none> or None)?(?P<required>, required)?(: (?P<accepts>.+))?")
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "path": (str,), "int": (int,), "float": (int, float), "bool": (bool,),
}  # fmt: skip


class BadParameters(Refused):
    """A parameter is unknown, missing, of the wrong type, or carries a secret. Raised before a kernel starts."""


class BadNotebook(Refused):
    """The file is not a notebook that can be run with parameters."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the parameters cell."""

    name: str
    type: str
    nullable: bool
    required: bool
    accepts: str
    default: Scalar

    def fault(self, value: object) -> str | None:
        """What is wrong with `value`, or None."""
        if value is None and self.nullable:
            return None
        right = isinstance(value, _TYPES[self.type]) and (self.type == "bool" or not isinstance(value, bool))
        if right and (not self.required or value != ""):
            return None
        wanted = f"a {self.type}{' or None' if self.nullable else ''}" + (f": {self.accepts}" if self.accepts else "")
        return f"parameter {self.name}: given {value!r} ({type(value).__name__}), accepted is {wanted}"


def declared(notebook: Path) -> tuple[Parameter, ...]:
    """The parameters of a notebook file, in the order of its cell. Raises BadNotebook."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if TAG in cell["metadata"].get("tags", ())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadNotebook(f"{notebook} cannot be read as a notebook: {error}; an .ipynb file is accepted") from None
    if len(tagged) != 1:
        raise BadNotebook(f"{notebook} has {len(tagged)} cells tagged {TAG!r}; exactly one is accepted")
    return parse_cell("".join(tagged[0]["source"]), str(notebook))


def parse_cell(source: str, place: str) -> tuple[Parameter, ...]:
    """The parameters of a cell's text. Raises BadNotebook naming `place` and the line."""
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = []
    for statement in ast.parse(source).body:
        line = f"{place}, parameters cell, line {statement.lineno}"
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise BadNotebook(f"{line}: only `name = literal  # type: what is accepted` is accepted")
        said = _COMMENT.fullmatch(comments.get(statement.lineno, "").strip())
        if said is None or said["type"] not in _TYPES:
            raise BadNotebook(f"{line}: the comment must begin with a type, one of {', '.join(_TYPES)}")
        try:
            default = ast.literal_eval(statement.value)
        except ValueError:
            raise BadNotebook(f"{line}: the default must be a literal") from None
        parameter = Parameter(
            name=statement.targets[0].id,
            type=said["type"],
            nullable=bool(said["none"]),
            required=bool(said["required"]),
            accepts=said["accepts"] or "",
            default=default,
        )
        if fault := parameter.fault(parameter.default):
            raise BadNotebook(f"{line}: the default contradicts the comment: {fault}")
        found.append(parameter)
    return tuple(found)


def check(parameters: tuple[Parameter, ...], given: Mapping[str, object]) -> dict[str, Scalar]:
    """`given` with every parameter right, in the order of the cell. Raises BadParameters listing every fault."""
    known = {parameter.name: parameter for parameter in parameters}
    faults = [_unknown(name, value, known) for name, value in given.items() if name not in known]
    for name, parameter in known.items():
        if name in given:
            faults += [fault] if (fault := secrets.fault(name, given[name]) or parameter.fault(given[name])) else []
        elif parameter.required:
            faults.append(f"parameter {name} is missing; accepted is a {parameter.type}: {parameter.accepts}")
    if faults:
        raise BadParameters("\n".join(faults))
    return {name: _scalar(given[name]) for name in known if name in given}


def _unknown(name: str, value: object, known: Mapping[str, Parameter]) -> str:
    if fault := secrets.fault(name, value):
        return fault
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; is {close[0]} meant?" if close else ""
    return f"parameter {name} is unknown (given {value!r}); accepted are {', '.join(known)}{hint}"


def _scalar(value: Any) -> Scalar:
    return value  # type: ignore[no-any-return]  # Parameter.fault has let only scalars through
