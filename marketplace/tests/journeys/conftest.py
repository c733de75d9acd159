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
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Response, expect, sync_playwright

from accounts.models import User

from .asgi_server import AsgiServer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb"),
]
WIDTHS = (390, 1440)
PATIENCE = 30_000  # milliseconds: only what fails takes so long, whatever else the machine has to do
SCHEMES = ("light", "dark")

# Preloading copies imported style sheets into style elements, which our policy blocks; it is for two rules, about films and
# locked orientation.
AXE_RUN = "axe.run(document, {resultTypes: ['violations'], preload: false}).then(results => results.violations)"

PageFor = Callable[..., Page]
Axe = Callable[[Page], None]


def follow(way: Locator) -> None:
    """Click on what leads to another page (or sends a form), and wait until that page is there, scripts included.

    A bare click may come back before the browser has asked for anything: whoever then looks at once sees the page and the rows
    as they were, and whoever goes elsewhere takes the request back. And a page that is not loaded does nothing by script.
    """
    with way.page.expect_navigation():
        way.click()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this machine, started once."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.fail("No Chromium on the PATH: install it, or leave the browser tests out with -m 'not browser'.")
    expect.set_options(timeout=PATIENCE)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's own event loop runs in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are read in pieces that Django would rather have from a file of asyncio's kind; there is none. And one that is being
    sent to a page that goes away is closed by whoever collects the garbage, in the middle of whichever test that is."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators:Warning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"))


@pytest.fixture(scope="session")
def live_server() -> AsgiServer:
    """In the place of pytest-django's, which knows no sockets."""
    return AsgiServer()


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """For what `expect` cannot see. (Playwright's own `wait_for_function` works by `eval` from its second look on, which the
    site's policy forbids.)"""
    for _look in range(PATIENCE // 50):
        if is_so():
            return
        page.wait_for_timeout(50)
    pytest.fail("It has not come to be so.")


@dataclass
class Watch:
    """What went wrong on the pages of one test: script and console errors (also of the content security policy), broken files."""

    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    _attached: list[tuple[Page, str, Callable[..., None]]] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """A fault whose line contains `part` is meant to happen, such as the 404 that a test asks for."""
        self.expected.append(part)

    def attach(self, page: Page) -> None:
        def script_error(error: Error) -> None:
            self.faults.append(f"{page.url}: script error: {error}")

        for event, listener in (("console", self._console), ("pageerror", script_error), ("response", self._response)):
            page.on(event, listener)
            self._attached.append((page, event, listener))

    def look_away(self) -> None:
        for page, event, listener in self._attached:
            page.remove_listener(event, listener)

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


Spare = dict[bool, list[Page]]


@pytest.fixture(scope="session")
def spare() -> Spare:
    """Windows that earlier tests are done with, by whether they run scripts: to clear one costs far less than to open one."""
    return {True: [], False: []}


@pytest.fixture
def page_for(chromium: Browser, live_server: AsgiServer, watch: Watch, spare: Spare) -> Iterator[PageFor]:
    """`page_for(user, width=1440, scheme="light")`: a window of that person, signed in; of a visitor for None.

    Addresses are relative: `page.goto("/orders/")`. Downloads are accepted, and motion is reduced. A test that gives a window
    what cannot be taken from it again (a device, a permission, a script for every page) asks for one of its own: `fresh=True`.
    """
    again: dict[bool, list[Page]] = {True: [], False: []}
    never: list[Page] = []

    def new_page(javascript: bool, time_zone: str) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            java_script_enabled=javascript,
            accept_downloads=True,
            locale="en-GB",
            timezone_id=time_zone,
        )
        context.set_default_timeout(PATIENCE)
        return context.new_page()

    def open_page(
        user: User | None = None,
        *,
        width: int = 1440,
        scheme: str = "light",
        javascript: bool = True,
        time_zone: str = "UTC",
        fresh: bool = False,
    ) -> Page:
        fresh = fresh or time_zone != "UTC"
        page = spare[javascript].pop() if spare[javascript] and not fresh else new_page(javascript, time_zone)
        (never if fresh else again[javascript]).append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if user is not None:
            session = {"name": settings.SESSION_COOKIE_NAME, "value": _session_of(user), "url": live_server.url}
            page.context.add_cookies([session])
        watch.attach(page)
        return page

    yield open_page
    watch.look_away()
    for page in never:
        page.context.close()
    for javascript, pages in again.items():
        spare[javascript] += [page for page in pages if _clear(page)]


def _clear(page: Page) -> bool:
    """Leave nothing of its person in the window, if it is still there; files that are the same for everybody may stay."""
    try:
        for other in page.context.pages:
            if other != page:
                other.close()
        page.goto("/static/img/favicon.svg")  # where no script runs and no socket opens; the same site, so the same process
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
    except Error:
        page.context.close()
        return False
    return True


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def axe() -> Axe:
    """`axe(page)` fails with one readable line for each thing that axe-core finds wrong, best practices included."""

    def check(page: Page) -> None:
        page.wait_for_load_state()
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
