"""The front page leads into the shop: each of its links and buttons is followed."""

from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from gigs.models import Gig
from gigs.selectors import list_top_categories
from gigs.tests.factories import GigFactory

pytestmark = pytest.mark.django_db


class Body(HTMLParser):
    """The links of a page's main part, and its buttons that no form hears."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.dead_buttons: list[str] = []
        self._forms = 0
        self.feed(html.partition("<main")[2].partition("</main>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(urljoin("/", given.get("href") or ""))
        self._forms += tag == "form"
        if tag == "button" and not self._forms:
            self.dead_buttons.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self._forms -= tag == "form"


def follow_everything(client: Client) -> list[str]:
    body = Body(client.get("/").content.decode())
    assert body.dead_buttons == []
    for link in body.links:
        response = client.get(link, follow=True)
        path = response.redirect_chain[-1][0] if response.redirect_chain else urldefrag(link).url
        assert (response.status_code, path.partition("?")[0] == "/") == (200, False), link
    return body.links


@pytest.fixture
def gig() -> Gig:
    return GigFactory(title="Your logo")


def test_a_visitor_comes_from_the_front_page_into_the_shop(client: Client, gig: Gig):
    shop, shelves = reverse("gigs:list"), [f"{reverse('gigs:list')}?category={row.slug}" for row in list_top_categories()]
    assert len(shelves) > 3
    assert follow_everything(client) == [shop, reverse("gigs:create"), *shelves, shop, gig.get_absolute_url()]


def test_somebody_signed_in_comes_to_the_same_places(sign_in, stranger: User, gig: Gig):
    assert reverse("gigs:create") in follow_everything(sign_in(stranger))


def test_an_empty_shop_asks_for_the_first_gig(client: Client):
    assert follow_everything(client)[-1] == reverse("gigs:create")
