"""An executed notebook as one HTML file: plotly.js inside, nothing fetched, code hidden until it is asked for.

The page forbids every outside request by its own content security policy, so it opens the same from a mail
attachment, a file share or a browser without a network.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import mistune
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

PLOTLY = "application/vnd.plotly.v1+json"
INJECTED = "injected-parameters"

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ACTIVE = re.compile(
    r"<(script|iframe|object)\b.*?</\1\s*>|<(script|iframe|object|link|embed|base|meta)\b[^>]*>", re.I | re.S
)
_CONSOLE = r"https://[a-z0-9-]+\.console\.aws\.amazon\.com/[^\s\"'<>]*"
"""What a link of the page may lead to; a link fetches nothing before somebody follows it."""
_OUTSIDE = re.compile(
    rf"""(?!(?<=<a)\shref="{_CONSOLE}")"""
    r"""\s(src|srcset|href|background|poster|data)\s*=\s*("|')?\s*(https?:)?//[^\s>"']*("|')?""", re.I
)


def page(notebook: Mapping[str, Any]) -> str:
    """The whole HTML document of an executed notebook (plain JSON values, format 4)."""
    cells = [_cell(cell) for cell in notebook["cells"] if cell["cell_type"] in ("code", "markdown")]
    title = next((match[1] for cell in cells if (match := re.search(r"<h1>(.*?)</h1>", cell["html"]))), "Notebook")
    rendered: str = _template().render(
        title=Markup(title).striptags(),
        cells=_numbered(cells),
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
        plotly=Markup(_plotly_js()),
    )
    return rendered


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return {"kind": "text", "html": _markdown(source), "figures": []}
    figures: list[Any] = []
    shown = "".join(_outputs(cell, figures))
    tags = cell["metadata"].get("tags", ())
    return {"kind": "code", "source": source, "html": shown, "figures": figures, "given": INJECTED in tags}


def _outputs(cell: Mapping[str, Any], figures: list[Any]) -> Iterator[str]:
    for output in cell["outputs"]:
        data = output.get("data", {})
        if PLOTLY in data:
            figures.append(data[PLOTLY])
            yield f"<!--figure {len(figures) - 1}-->"
        elif "text/html" in data:
            yield _inert("".join(data["text/html"]))
        elif "image/png" in data:
            yield f'<img alt="" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
        else:
            yield f"<pre>{Markup.escape(_plain(output))}</pre>"


def _plain(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "error":
        return _ANSI.sub("", "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")
    return _ANSI.sub("", "".join(output.get("text", output.get("data", {}).get("text/plain", ""))))


def _inert(fragment: str) -> str:
    """An output's HTML without anything that runs or fetches."""
    return _OUTSIDE.sub("", _ACTIVE.sub("", fragment))


def _numbered(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every figure gets its place in the page: a div with a number of its own, and its data beside it."""
    number = 0
    for cell in cells:
        for position, figure in enumerate(cell["figures"]):
            number += 1
            height = int(figure.get("layout", {}).get("height", 450))
            data = json.dumps(figure, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            block = (
                f'<div class="card"><div class="figure" id="figure-{number}" style="min-height:{height}px"></div></div>'
                f'<script type="application/json" class="figure-data" data-for="figure-{number}">{_safe(data)}</script>'
            )
            cell["html"] = cell["html"].replace(f"<!--figure {position}-->", block)
        cell["html"] = Markup(cell["html"])
    return cells


def _safe(data: str) -> str:
    """JSON that cannot end the script element that carries it."""
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _markdown_reader() -> mistune.Markdown:
    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def _markdown(text: str) -> str:
    return _inert(str(_markdown_reader()(text)))


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("page.html.j2"))


@cache
def _asset(name: str) -> str:
    return resources.files("recon.schedule").joinpath(name).read_text(encoding="utf-8")


@cache
def _plotly_js() -> str:
    """plotly.js as the plotly package ships it, found without importing the package."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the plotly package is not installed")
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
