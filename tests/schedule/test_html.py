"""One file that shows everything and asks the network for nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from recon.schedule import html


def _notebook(*outputs: dict[str, Any], source: str = "x = 1", markdown: str = "# Title & more") -> dict[str, Any]:
    return {"cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": markdown},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": source, "execution_count": 1,
         "outputs": [{"output_type": "display_data", "metadata": {}, **output} for output in outputs]},
    ]}  # fmt: skip


def _page(*outputs: dict[str, Any], **cells: str) -> str:
    """The page without plotly.js, which has addresses of its own in it."""
    whole = html.page(_notebook(*outputs, **cells))
    plotly = html._plotly_js()
    assert whole.count(plotly) == 1
    return whole.replace(plotly, "")


def test_every_figure_is_drawn_from_its_own_data() -> None:
    figure = {"data": [{"y": [1, 2], "name": "</script><b>"}], "layout": {"height": 300}}
    page = _page({"data": {html.PLOTLY: figure}}, {"data": {html.PLOTLY: figure}})
    assert re.findall(r'class="figure" id="(figure-\d)"', page) == ["figure-1", "figure-2"]
    assert page.count("data-for=") == 2
    assert "</script><b>" not in page


def test_equal_notebooks_give_equal_pages() -> None:
    figure: dict[str, Any] = {"data": [], "layout": {}}
    assert _page({"data": {html.PLOTLY: figure}}) == _page({"data": {html.PLOTLY: figure}})


@pytest.mark.parametrize(
    "fragment",
    [
        '<script src="https://cdn.example/require.js"></script>',
        "<SCRIPT>alert(1)</SCRIPT >",
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<iframe src="https://example.com"></iframe>',
        '<img src="https://example.com/a.png">',
        "<img src=//example.com/a.png>",
    ],
)
def test_an_output_can_neither_run_nor_fetch(fragment: str) -> None:
    page = _page({"data": {"text/html": f"<p>kept</p>{fragment}"}})
    assert "<p>kept</p>" in page
    assert "example" not in page
    assert "alert" not in page


def test_a_link_to_a_trace_stays_and_no_other_address_does() -> None:
    there = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#xray:traces/1-2-3"
    odd = ("https://example.com/?https://eu.console.aws.amazon.com/", "//eu.console.aws.amazon.com/",
           "https://eu.console.aws.amazon.com.example/")  # fmt: skip
    page = _page({"data": {"text/html": "".join(f'<a href="{address}">x</a>' for address in (there, *odd))
                           + f'<img src="{there}"><image href="{there}">'}})
    assert page.count("href=") == 1
    assert f'<a href="{there}">x</a>' in page
    assert f'src="{there}"' not in page


def test_the_page_forbids_itself_the_network() -> None:
    page = _page()
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)


def test_text_is_escaped_and_title_is_the_first_heading() -> None:
    page = _page({"output_type": "stream", "name": "stdout", "text": "a < b \x1b[31mred\x1b[0m"}, source="a < b",
                 markdown="# Ledger & bank\n\n<b>raw</b>")  # fmt: skip
    assert "<title>Ledger &amp; bank</title>" in page
    assert "<pre>a &lt; b red</pre>" in page
    assert '<pre class="source">a &lt; b</pre>' in page
    assert "<b>raw</b>" not in page


def test_a_style_of_the_notebook_itself_stays() -> None:
    assert "<style>.x{}</style>" in _page({"data": {"text/html": "<style>.x{}</style>"}})
