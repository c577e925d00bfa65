"""The Dagster UI and the report as a person sees them, in headless Chromium (`make browser`).

Screenshots land in the folder that PERSONALIZATION_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = ((1440, 900), (420, 800))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield found
        found.close()


@pytest.fixture(scope="module")
def server(demo_night: Path) -> Iterator[str]:
    """The UI of the demo's store, on a free port of this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = os.environ | {
        "DAGSTER_HOME": str(demo_night / "store" / "dagster"),
        "PERSONALIZATION_PROJECT": str(demo_night),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-m", "personalization_pipeline.definitions"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(120):
        assert process.poll() is None, "the UI ended by itself"
        try:
            urllib.request.urlopen(f"{address}/server_info", timeout=2)
            return
        except OSError:
            time.sleep(1)
    raise AssertionError("the UI did not answer within two minutes")


@contextmanager
def looked_at(browser: Browser, address: str, name: str, size: tuple[int, int] = SIZES[0]) -> Iterator[Page]:
    """A page that is open while it is looked at: it may not complain, nor be wider than its window."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(address, wait_until="domcontentloaded")
        yield page
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        folder = os.environ.get("PERSONALIZATION_SCREENSHOTS")
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=name.startswith("report"))
        assert not complaints
        assert wide <= window
    finally:
        page.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_report_reads_on_a_desk_and_on_a_phone_and_every_plot_has_marks(
    browser: Browser, demo_night: Path, size: tuple[int, int]
) -> None:
    report = (demo_night / "store" / "current" / "report.html").as_uri()
    with looked_at(browser, report, f"report_{size[0]}", size) as page:
        marks = page.evaluate(
            "[...document.querySelectorAll('figure svg')].map(svg => svg.querySelectorAll('.mark-rect path, .mark-line path').length)"
        )
        assert len(marks) >= 2
        assert all(count >= 1 for count in marks)
        assert page.locator("table").count() >= 4


def test_the_lineage_shows_the_phases_as_groups(browser: Browser, server: str) -> None:
    with looked_at(browser, f"{server}/asset-groups", "lineage") as page:
        for phase in ("ingest", "resolve", "segment", "analyze", "activate", "publish"):
            page.get_by_text(phase, exact=True).first.wait_for(timeout=60_000)


def test_an_asset_shows_rows_columns_checks_and_its_plot(browser: Browser, server: str) -> None:
    with looked_at(browser, f"{server}/assets/rfm?view=overview", "asset") as page:
        page.get_by_text("One row per buyer who may be profiled").first.wait_for(timeout=60_000)
        page.get_by_text("recency_score").first.wait_for(timeout=60_000)
        page.get_by_text("plot_1").first.wait_for(timeout=60_000)
    with looked_at(browser, f"{server}/assets/rfm?view=checks", "checks") as page:
        page.get_by_text("Passed").first.wait_for(timeout=60_000)
