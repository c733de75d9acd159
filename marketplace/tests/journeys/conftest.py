"""Chromium for the journeys: pages that are signed in, watched for errors, and checked by axe.

Sync Playwright leaves an event loop behind, so these tests run in a pytest call of their own (`pytest -m browser`).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from accounts.models import User

from .asgi_server import AsgiServer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb"),
]
WIDTHS = (390, 1440)
SCHEMES = ("light", "dark")

# Preloading copies imported style sheets into style elements, which our policy blocks; it is for two rules, about films and
# locked orientation.
AXE_RUN = "axe.run(document, {resultTypes: ['violations'], preload: false}).then(results => results.violations)"

PageFor = Callable[..., Page]
Axe = Callable[[Page], None]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this machine, started once."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.fail("No Chromium on the PATH: install it, or leave the browser tests out with -m 'not browser'.")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's own event loop runs in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are read in pieces that Django would rather have from a file of asyncio's kind; there is none."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators:Warning"))


@pytest.fixture(scope="session")
def live_server() -> AsgiServer:
    """In the place of pytest-django's, which knows no sockets."""
    return AsgiServer()


@dataclass
class Watch:
    """What went wrong on the pages of one test: script and console errors (also of the content security policy), broken files."""

    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """A fault whose line contains `part` is meant to happen, such as the 404 that a test asks for."""
        self.expected.append(part)

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: script error: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.location.get('url', '')}: console {message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and response.request.resource_type != "document"):
            self.faults.append(f"{response.url}: status {response.status} for a {response.request.resource_type}")

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(part in fault for part in self.expected)]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.unexpected() == []


@pytest.fixture
def page_for(chromium: Browser, live_server: AsgiServer, watch: Watch) -> Iterator[PageFor]:
    """`page_for(user, width=1440, scheme="light")`: a window of that person, signed in; of a visitor for None.

    Addresses are relative: `page.goto("/orders/")`. Downloads are accepted, and motion is reduced.
    """
    contexts: list[Any] = []

    def open_page(user: User | None = None, *, width: int = 1440, scheme: str = "light", javascript: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=javascript,
            accept_downloads=True,
            locale="en-GB",
            timezone_id="UTC",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if user is not None:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": _session_of(user), "url": live_server.url}])
        page = context.new_page()
        watch.attach(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def axe() -> Axe:
    """`axe(page)` fails with one readable line for each thing that axe-core finds wrong, best practices included."""

    def check(page: Page) -> None:
        if not page.evaluate("'axe' in window"):  # half a megabyte of script, once for all looks at a page
            page.evaluate(AXE_SCRIPT)
        found = page.evaluate(AXE_RUN)
        lines = [
            f"{violation['id']} ({violation['impact']}): {violation['help']}\n    {node['html'][:200]}\n    {_advice(node)}"
            for violation in found
            for node in violation["nodes"]
        ]
        assert lines == [], f"axe on {page.url}:\n" + "\n".join(lines)

    return check


def _advice(node: dict[str, Any]) -> str:
    return " ".join((node.get("failureSummary") or "").split())[:300]


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Page, str], Path]:
    """`shot(page, "name")` writes a picture of the whole page beside the test's files, for looking at."""

    def take(page: Page, name: str) -> Path:
        path = tmp_path / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return take


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `width` or `scheme` runs in each of them."""
    if "width" in metafunc.fixturenames:
        metafunc.parametrize("width", WIDTHS)
    if "scheme" in metafunc.fixturenames:
        metafunc.parametrize("scheme", SCHEMES)
