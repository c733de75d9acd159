"""People's words as they stand in a conversation: plain text with links that work."""

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# static/js/chat-bubble.js has the same two lines: a message looks the same whoever writes it on the page.
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TAIL = ".,:;!?'\")]}»”’…"


@register.filter
def linked(words: str) -> SafeString:
    """The words with each http(s) address as a link; what ends a sentence or a bracket is no part of it."""
    pieces, end = [], 0
    for found in _LINK.finditer(words):
        address = found[0].rstrip(_TAIL)
        link = format_html('<a href="{0}" rel="nofollow ugc noopener noreferrer">{0}</a>', address)
        pieces += [words[end : found.start()], link]
        end = found.start() + len(address)
    return format_html_join("", "{}", ((piece,) for piece in [*pieces, words[end:]]))
