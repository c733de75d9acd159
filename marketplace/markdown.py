"""People's Markdown as safe HTML."""

import html

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Tables stay off: a row of one character costs as many cells as the head has columns, so a short text takes seconds.
_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("strikethrough")
_WORDS = {"p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
_HEADINGS = {"h2", "h3", "h4", "h5", "h6"}


def render_markdown(text: str) -> SafeString:
    """HTML of headings (one level lower than typed), lists and code; no tables, images or raw HTML; links are nofollow."""
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
    rendered = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        rendered,
        tags=_WORDS | _HEADINGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener ugc",
    )
    return mark_safe(clean)  # noqa: S308 (cleaned by nh3 on the line above)


def plain_words(text: str) -> str:
    """The words of people's Markdown without its marks, on one line: for an excerpt."""
    return " ".join(html.unescape(nh3.clean(render_markdown(text), tags=set())).split())
