"""People's Markdown: what is kept, what is taken away."""

import time

import pytest

from marketplace.markdown import plain_words, render_markdown

pytestmark = pytest.mark.once


def test_headings_are_one_level_lower_than_typed():
    assert render_markdown("# Hello") == "<h2>Hello</h2>\n"


def test_links_are_kept_and_lead_to_the_web_only():
    assert render_markdown("[me](https://example.com)") == (
        '<p><a href="https://example.com" rel="nofollow noopener ugc">me</a></p>\n'
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.com/pixel.png)",
        "<a href='https://example.com' style='position:fixed'>x</a>",
    ],
)
def test_nothing_that_runs_or_loads_gets_through(attack: str):
    html = render_markdown(attack)
    assert not any(mark in html for mark in ("<script", "<img", 'href="javascript', 'href="data', "<a href='", 'style="'))


def test_a_table_stays_the_text_it_was_typed_as():
    assert render_markdown("|a|b|\n|-|-|\n|1|2|") == "<p>|a|b|\n|-|-|\n|1|2|</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "a\n" * 2900,
        "|a" * 5000,
        "[" * 10_000,
        "![" * 5000,
        "_a*" * 3333,
        ">" * 10_000,
        "- " * 5000,
        "> " * 20 + "a\n" * 4980,
    ],
    ids=["table", "cells", "brackets", "pictures", "emphasis", "quotes", "lists", "lazy quotes"],
)
def test_no_text_of_ten_thousand_characters_keeps_the_server_busy(text: str):
    start = time.process_time()
    render_markdown(text[:10_000])
    assert time.process_time() - start < 1  # a slow machine's measure: what it must catch takes many seconds


def test_an_excerpt_has_the_words_without_the_marks():
    assert plain_words("# Logos\n\n* **bold** & quiet\n* `code` <b>x</b>") == "Logos bold & quiet code <b>x</b>"
