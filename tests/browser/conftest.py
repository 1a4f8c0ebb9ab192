"""A Chromium for the tests: installed by apt where it is missing, otherwise the tests say why they skip."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `CSP ${event.effectiveDirective} in ${event.sourceFile}:${event.lineNumber}`, event.target.outerHTML?.slice(0, 200)));
"""


def chromium() -> str:
    """Path of a Chromium; skips the test with the reason when there is none and none can be installed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "chromium"]):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
    if found := shutil.which("chromium"):
        return found
    pytest.skip("Chromium is missing and could not be installed: apt-get install chromium")


@pytest.fixture(scope="session")
def built_assets() -> None:
    """The vendor files that `make assets` copies."""
    if not (ROOT / "bankcrm/static/vendor/htmx.min.js").exists():
        pytest.skip("bankcrm/static/vendor is empty: run `make assets`")


@pytest.fixture(scope="session")
def browser(built_assets: None) -> Iterator[Browser]:
    from django.db import connections
    from playwright.sync_api import sync_playwright

    path = chromium()
    # Playwright keeps an event loop in this thread; Django would take the tests' own queries for asynchronous ones.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        # Beside a running event loop Django keeps another connection, which nothing else would close.
        connections.close_all()
        started.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def complaints() -> list[str]:
    """Everything the browser objected to: script errors, CSP violations, failed loads."""
    return []


def _page(
    browser: Browser, base_url: str, complaints: list[str], width: int, height: int, **more: bool
) -> Page:
    context = browser.new_context(base_url=base_url, viewport={"width": width, "height": height}, **more)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    # Told as an error whatever level the browser gives it, with the element that broke the policy.
    page.add_init_script(REPORT_VIOLATIONS)
    return page


@pytest.fixture
def page(browser: Browser, live_server: object, complaints: list[str]) -> Iterator[Page]:
    """A desk: 1440 × 900."""
    opened = _page(browser, str(live_server), complaints, 1440, 900)
    yield opened
    opened.context.close()


@pytest.fixture
def phone(browser: Browser, live_server: object, complaints: list[str]) -> Iterator[Page]:
    """A small phone: 360 × 780, touch."""
    opened = _page(browser, str(live_server), complaints, 360, 780, is_mobile=True, has_touch=True)
    yield opened
    opened.context.close()


@pytest.fixture
def sign_in():
    """sign_in(page, "mei") types the cast's password into the sign-in page."""
    from tests.cast import PASSWORD

    def enter(page: Page, name: str, target: str = "/") -> None:
        page.goto(f"/login/?next={target}")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{target}")

    return enter
