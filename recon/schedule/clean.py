"""An executed notebook without what differs from one run or machine to the next, so that equal runs are equal files."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from recon.schedule import secrets

INJECTED = "injected-parameters"
_CELL_METADATA = ("tags", "jupyter")


def normalise(
    notebook: Mapping[str, Any], *, parameters: Mapping[str, object], paths: Mapping[str, str], hidden: Collection[str]
) -> dict[str, Any]:
    """The notebook as plain JSON values with stable ids, no timings, and `parameters` as they were given.

    `paths` maps folders of this run to what is written in their place; `hidden` are secrets to blank out.
    """
    content: dict[str, Any] = json.loads(_clean(json.dumps(notebook), paths, hidden))
    content["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
        "papermill": {"parameters": dict(parameters)},
    }
    for position, cell in enumerate(content["cells"]):
        tags = cell["metadata"].get("tags", [])
        cell["metadata"] = {name: cell["metadata"][name] for name in _CELL_METADATA if name in cell["metadata"]}
        if INJECTED in tags:
            cell["id"] = INJECTED
            cell["source"] = "# Parameters of this run\n" + "\n".join(f"{n} = {v!r}" for n, v in parameters.items())
        elif any(tag.startswith("papermill-error") for tag in tags):
            cell["id"] = f"error-{position}"
    content["nbformat"], content["nbformat_minor"] = 4, 5
    return content


def dump(notebook: Mapping[str, Any]) -> str:
    """The file's text: keys sorted, one space of indent, as notebooks are kept."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _clean(text: str, paths: Mapping[str, str], hidden: Collection[str]) -> str:
    for folder in sorted(paths, key=len, reverse=True):
        text = text.replace(json.dumps(folder)[1:-1], json.dumps(paths[folder])[1:-1])
    return secrets.scrub(text, [json.dumps(value)[1:-1] for value in hidden])
