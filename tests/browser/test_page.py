"""The page in a real browser, without a network: every chart is drawn, nothing is asked for, nothing complains."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recon.schedule import html
from recon.schedule.runner import LATENCY, NOTEBOOK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
PICTURES = NOTEBOOK.parents[1] / "build" / "browser"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the environment variable CHROMIUM, else from the path; in CI its absence is a failure."""
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: install one (Debian: apt-get install chromium) or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(params=[NOTEBOOK, LATENCY], ids=lambda path: path.stem)
def page_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A committed notebook as a page."""
    notebook: Path = request.param
    path = tmp_path / f"{notebook.stem}.html"
    path.write_text(html.page(json.loads(notebook.read_text(encoding="utf-8"))), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page, drawn, and everything that it complained of or asked the network for."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:"))
            else complaints.append(f"request: {request.url}"))  # fmt: skip
    page.goto(page_file.as_uri())
    page.wait_for_selector("body[data-figures-drawn]", timeout=60_000)
    yield page, complaints
    context.close()


def _figures(page_file: Path) -> int:
    cells = json.loads(NOTEBOOK.with_name(f"{page_file.stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    return sum(html.PLOTLY in output.get("data", {}) for cell in cells for output in cell.get("outputs", ()))


def test_every_chart_is_drawn_offline_without_complaint(opened: tuple[Page, list[str]], page_file: Path) -> None:
    page, complaints = opened
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{page_file.stem}.png", full_page=True)
    plots = page.locator(".js-plotly-plot")
    assert plots.count() == _figures(page_file) >= 6
    for number in range(plots.count()):
        box = plots.nth(number).bounding_box()
        assert box
        assert box["width"] > 600
        assert box["height"] > 190
        assert plots.nth(number).locator(".gtitle").text_content()
    assert complaints == []


def test_nothing_is_wider_than_the_page(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    wide = page.evaluate(
        "[...document.querySelectorAll('.output')].filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".map(e => `${e.textContent.slice(0, 60)}: ${e.scrollWidth} > ${e.clientWidth}`)"
    )
    assert wide == []


@pytest.mark.parametrize("page_file", [NOTEBOOK], indirect=True, ids=["reconciliation"])
def test_a_choice_from_the_list_shows_other_books(opened: tuple[Page, list[str]]) -> None:
    page, complaints = opened
    bridge = page.locator(".js-plotly-plot").first
    before = bridge.locator(".gtitle").text_content()
    bridge.locator(".updatemenu-header").click()
    bridge.locator(".updatemenu-dropdown-button").nth(1).click()
    page.wait_for_function(
        "before => document.querySelector('.js-plotly-plot .gtitle').textContent !== before", arg=before
    )
    assert complaints == []


def test_code_is_hidden_until_asked_for_and_print_has_no_controls(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    source = page.locator("pre.source").nth(1)
    assert not source.is_visible()
    page.click("#code-toggle")
    assert source.is_visible()
    assert page.locator("#code-toggle").inner_text() == "Hide code"
    page.emulate_media(media="print")
    assert not page.locator("#code-toggle").is_visible()
