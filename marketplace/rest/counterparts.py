"""Where the API answers what a page of the site shows, so that no program has to take the addresses of pages apart."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

PATHS: dict[str, str] = {}  # by the name of the page; filled by the modules of the operations


def answers_for(page: str, path: str) -> None:
    """What this page shows, the API answers at `path`, which names what stands in the page's address: `orders/{order_id}`."""
    PATHS[page] = path


@lru_cache(maxsize=2048)
def page_at(url: str) -> tuple[str, dict[str, Any]]:
    """The name of the page at this address of the site, and the ids in it; "" for an address that is none (any more)."""
    try:
        found = resolve(url)
    except Resolver404:
        return "", {}
    return found.view_name, found.kwargs


def counterpart(page: str, ids: dict[str, Any]) -> str | None:
    """The full address in the API, where there is one."""
    return f"{settings.SITE_URL}/api/{PATHS[page].format(**ids)}" if page in PATHS else None
