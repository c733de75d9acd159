"""Every page as a browser sees it: no script errors, nothing the content security policy refuses, no violation that axe finds."""

import pytest
from playwright.sync_api import expect

from .conftest import wait_until

pytestmark = pytest.mark.browser


def test_the_home_page(page_for, axe, width, scheme):
    page = page_for(width=width, scheme=scheme)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    axe(page)


def test_the_watch_notices_what_the_content_security_policy_refuses(page_for, watch):
    page = page_for()
    page.goto("/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\" onclick=\"alert(1)\">planted</p>')")
    page.get_by_text("planted").click()
    wait_until(page, lambda: len(watch.unexpected()) == 2)
    watch.expect("Content Security Policy")


def test_the_watch_notices_a_script_error(page_for, watch):
    page = page_for()
    page.goto("/")
    page.evaluate("setTimeout(() => { throw new Error('planted') })")
    wait_until(page, lambda: len(watch.unexpected()) == 1)
    watch.expect("planted")


def test_axe_notices_a_picture_without_words(page_for, axe):
    page = page_for()
    page.goto("/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/static/img/favicon.svg\">')")
    with pytest.raises(AssertionError, match="image-alt"):
        axe(page)
