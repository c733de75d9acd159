"""Reviews for programs: who may write, read and reply, and what lists hold and cost."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services import make_key
from accounts.tests.factories import UserFactory
from gigs.services import archive_gig, pause_gig
from gigs.tests.factories import GigFactory
from gigs.tests.programs import program_of, send, walk
from messaging.models import Notification
from orders.models import Order
from orders.states import Custody, Status
from orders.tests.factories import REACHABLE, order_in
from reviews.models import Review
from reviews.services import publish_due_reviews, reply_to_review, write_review

FORTNIGHT = timedelta(days=14)
WORDS = {"rating": 4, "comment": "Good work.\nIn time."}
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _nobody_called_yet() -> None:
    cache.clear()


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)


@pytest.fixture
def published(order: Order) -> Review:
    """What the client wrote about the freelancer, public."""
    write_review(actor=order.freelancer, order=order, rating=3, comment="Fine.")
    return write_review(actor=order.client, order=order, rating=5, comment="<b>Wonderful</b>\nAgain!")


def write(client: Client, order: Order, **changes: Any) -> Any:
    return send(client, "POST", f"orders/{order.pk}/reviews", WORDS | changes)


def panel(person: User, order: Order) -> Any:
    answer = program_of(person).get(f"/api/orders/{order.pk}/reviews")
    assert answer.status_code == 200
    return answer.json()


def everything() -> tuple[object, ...]:
    return list(Review.objects.order_by("pk").values()), Notification.objects.count()


# --- Writing --------------------------------------------------------------------------------------------------------
def test_the_first_review_is_its_authors_alone_until_the_other_side_has_written(order: Order):
    answer = write(program_of(order.client), order)
    review, shown = Review.objects.get(), answer.json()
    assert answer.status_code == 201
    assert (review.author, review.rating, review.comment) == (order.client, 4, "Good work.\nIn time.")
    assert shown == {
        "id": review.pk,
        "gig_id": str(order.gig_id),
        "by": "client",
        "author": shown["author"],
        "recipient": shown["recipient"],
        "rating": 4,
        "comment": "Good work.\nIn time.",
        "reply": None,
        "replied_at": None,
        "published_at": None,
    }
    assert (shown["author"]["id"], shown["recipient"]["id"]) == (str(order.client_id), str(order.freelancer_id))
    assert (panel(order.client, order)["mine"], panel(order.freelancer, order)["theirs"]) == (shown, None)

    second = write(program_of(order.freelancer), order, rating=2, comment="Slow to answer.").json()
    assert (second["by"], second["published_at"] is None) == ("freelancer", False)
    assert panel(order.client, order)["theirs"] == second
    assert panel(order.freelancer, order)["theirs"] == shown | {"published_at": second["published_at"]}


def test_the_panel_says_whether_and_until_when_one_may_write(order: Order):
    closes_at = (order.completed_at + FORTNIGHT).isoformat().replace("+00:00", "Z")
    assert panel(order.client, order) == {"mine": None, "theirs": None, "can_review": True, "closes_at": closes_at}
    write(program_of(order.client), order)
    assert [panel(person, order)["can_review"] for person in (order.client, order.freelancer)] == [False, True]
    with time_machine.travel(order.completed_at + FORTNIGHT, tick=False):
        assert panel(order.freelancer, order)["can_review"] is False


def test_before_the_end_the_panel_is_empty(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    assert panel(buyer, order) == {"mine": None, "theirs": None, "can_review": False, "closes_at": None}


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", [status for status in REACHABLE if status != Status.COMPLETED])
def test_only_a_completed_order_is_reviewed(status: Status, custody: Custody, buyer: User, freelancer: User):
    order = order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    before = everything()
    for person in (buyer, freelancer):
        answer = write(program_of(person), order)
        refusal = answer.json()
        assert (answer.status_code, refusal["code"]) == (409, "review_not_possible")
        assert (refusal["status"], refusal["version"]) == (status, order.version)
    assert everything() == before


def test_the_same_words_again_are_the_same_review_and_others_are_refused(order: Order):
    client = program_of(order.client)
    first, again = write(client, order), write(client, order)
    assert (again.status_code, again.json()) == (201, first.json())
    before = everything()
    for changes in ({"rating": 1}, {"comment": "I have changed my mind."}):
        answer = write(client, order, **changes)
        assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (409, "already_reviewed", "COMPLETED")
    assert everything() == before


def test_after_a_fortnight_it_is_too_late(order: Order):
    before = everything()
    with time_machine.travel(order.completed_at + FORTNIGHT, tick=False):
        answer = write(program_of(order.client), order)
    assert (answer.status_code, answer.json()["code"]) == (409, "review_closed")
    assert everything() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": None}, "rating"),
        ({"comment": ""}, "comment"),
        ({"comment": " \n "}, "comment"),
        ({"comment": "x" * 2001}, "comment"),
        ({"comment": "\u200b"}, "comment"),
        ({"comment": 5}, "comment"),
        ({"author": "me"}, "author"),
    ],
)
def test_what_is_no_review_is_refused_with_its_field(changes: dict[str, Any], field: str, order: Order):
    before = everything()
    answer = write(program_of(order.client), order, **changes)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])
    assert everything() == before


def test_one_key_writes_once(order: Order):
    client = program_of(order.client)
    options = {"headers": {"Idempotency-Key": "one"}, "content_type": "application/json"}
    answers = [client.post(f"/api/orders/{order.pk}/reviews", WORDS | more, **options) for more in ({}, {}, {"rating": 1})]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert [answer.get("Idempotent-Replayed") for answer in answers] == [None, "true", None]
    assert Review.objects.get().rating == 4


# --- Who ------------------------------------------------------------------------------------------------------------
def test_the_two_sides_alone_write_and_read_those_of_an_order(order: Order, stranger: User, moderator: User):
    before = everything()
    for who, status in ((None, 401), (stranger, 404), (moderator, 404)):
        client = program_of(who)
        assert write(client, order).status_code == status
        assert client.get(f"/api/orders/{order.pk}/reviews").status_code == status
    assert everything() == before


def test_an_order_that_never_was_is_404(buyer: User):
    client, nothing = program_of(buyer), Order(pk=uuid.uuid4())
    assert (write(client, nothing).status_code, client.get(f"/api/orders/{nothing.pk}/reviews").status_code) == (404, 404)


@pytest.mark.parametrize(
    ("scopes", "expected"), [(["read"], (200, 403, 403)), (["orders", "read"], (200, 201, 200)), (["messages"], (403, 403, 403))]
)
def test_a_key_needs_its_scope(scopes: list[str], expected: tuple[int, int, int], order: Order, published: Review):
    later = order_in(Status.COMPLETED, client=order.client, freelancer=order.freelancer)
    key = make_key(actor=order.freelancer, name="Bot", scopes=scopes, password=None)[1]
    client = Client(headers={"X-API-Key": key})
    read = client.get(f"/api/orders/{order.pk}/reviews").status_code
    replied = send(client, "POST", f"reviews/{published.pk}/reply", {"text": "Thank you."}).status_code
    assert (read, write(client, later).status_code, replied) == expected


# --- The reply ------------------------------------------------------------------------------------------------------
def reply(client: Client, review_id: int, text: Any = "Thank you.") -> Any:
    return send(client, "POST", f"reviews/{review_id}/reply", {"text": text})


def test_the_recipient_answers_once(published: Review, freelancer: User):
    client = program_of(freelancer)
    answer = reply(client, published.pk)
    shown = answer.json()
    assert (answer.status_code, shown["id"], shown["reply"]) == (200, published.pk, "Thank you.")
    assert shown["replied_at"].endswith("Z")
    assert reply(client, published.pk).json() == shown
    before = everything()
    refused = reply(client, published.pk, "No thank you.")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_replied")
    assert everything() == before


def test_nobody_else_answers(published: Review, buyer: User, stranger: User, moderator: User):
    before = everything()
    answers = [reply(program_of(who), published.pk).status_code for who in (None, buyer, stranger, moderator)]
    assert answers == [401, 404, 404, 404]
    assert everything() == before


def test_a_hidden_review_is_not_answered(order: Order):
    hidden = write_review(actor=order.client, order=order, rating=5, comment="Wonderful.")
    before = everything()
    assert reply(program_of(order.freelancer), hidden.pk).status_code == 404
    assert everything() == before


@pytest.mark.parametrize("review_id", [0, 2**31, 2**63, 10**30])
@pytest.mark.django_db
def test_a_review_that_never_was_is_404(review_id: int, freelancer: User):
    assert reply(program_of(freelancer), review_id).status_code == 404


@pytest.mark.parametrize("text", ["", " ", "x" * 2001, "\u200b", None, 5])
def test_what_is_no_reply_is_refused(text: Any, published: Review, freelancer: User):
    before = everything()
    answer = reply(program_of(freelancer), published.pk, text)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["text"])
    assert everything() == before


# --- Lists ----------------------------------------------------------------------------------------------------------
def items(address: str, who: User | None = None) -> list[Any]:
    answer = program_of(who).get(f"/api/{address}")
    assert answer.status_code == 200
    found: list[Any] = answer.json()["items"]
    return found


def test_people_and_gigs_show_what_was_said_about_them(published: Review, stranger: User):
    reply_to_review(actor=published.recipient, review=published, text="Thank you.")
    of_gig, of_freelancer = f"gigs/{published.gig_id}/reviews", f"users/{published.recipient_id}/reviews"
    for who in (None, stranger, published.recipient):
        (shown,) = items(of_gig, who)
        assert (shown["id"], shown["comment"], shown["reply"]) == (published.pk, "<b>Wonderful</b>\nAgain!", "Thank you.")
        assert items(of_freelancer, who) == [shown]
    (of_client,) = items(f"users/{published.author_id}/reviews")
    assert (of_client["by"], of_client["rating"], of_client["author"]["id"]) == ("freelancer", 3, str(published.recipient_id))


def test_what_is_hidden_is_in_no_list_not_even_for_its_author(order: Order):
    write_review(actor=order.client, order=order, rating=1, comment="Never again.")
    for who in (None, order.client, order.freelancer):
        assert items(f"gigs/{order.gig_id}/reviews", who) == items(f"users/{order.freelancer_id}/reviews", who) == []
    publish_due_reviews(now=timezone.now() + FORTNIGHT)
    assert [row["comment"] for row in items(f"gigs/{order.gig_id}/reviews")] == ["Never again."]


def test_reviews_of_a_gig_are_for_who_may_see_the_gig(published: Review, stranger: User, freelancer: User):
    gig, client = published.gig, f"/api/gigs/{published.gig_id}/reviews"
    pause_gig(actor=freelancer, gig=gig)
    assert [program_of(who).get(client).status_code for who in (None, stranger, freelancer)] == [404, 404, 200]
    archive_gig(actor=freelancer, gig=gig)
    assert [program_of(who).get(client).status_code for who in (None, stranger, freelancer)] == [404, 404, 404]


def test_who_is_gone_or_never_was_has_no_reviews(published: Review):
    User.objects.filter(pk=published.recipient_id).update(is_active=False)
    for person in (published.recipient_id, uuid.uuid4()):
        assert program_of(None).get(f"/api/users/{person}/reviews").status_code == 404
    assert program_of(None).get(f"/api/gigs/{uuid.uuid4()}/reviews").status_code == 404


def reviewed(order: Order, count: int) -> None:
    """So many more reviews of the order's gig by clients of their own, public."""
    for _ in range(count):
        more = order_in(Status.COMPLETED, client=UserFactory(), freelancer=order.freelancer, gig=order.gig)
        write_review(actor=more.client, order=more, rating=5, comment="Good.")
        write_review(actor=more.freelancer, order=more, rating=5, comment="Good.")


LISTS = ["gigs/{0.gig_id}/reviews", "users/{0.freelancer_id}/reviews"]


@pytest.mark.parametrize("address", LISTS)
def test_a_walk_meets_each_once_newest_first_also_those_published_together(address: str, order: Order):
    now = timezone.now()
    for _ in range(5):
        more = order_in(Status.COMPLETED, client=UserFactory(), freelancer=order.freelancer, gig=order.gig)
        write_review(actor=more.client, order=more, rating=5, comment="Good.")
    publish_due_reviews(now=now + FORTNIGHT + timedelta(hours=1))  # five at one instant
    expected = [row["id"] for row in items(f"{address.format(order)}?limit=100")]
    walked = walk(program_of(None), address.format(order), between=lambda: None)
    assert [row["id"] for row in walked] == expected == sorted(Review.objects.values_list("pk", flat=True), reverse=True)


@pytest.mark.parametrize("address", LISTS)
def test_a_walk_meets_each_once_while_others_are_published(address: str, order: Order):
    reviewed(order, 4)
    there = [row["id"] for row in items(f"{address.format(order)}?limit=100")]
    walked = [row["id"] for row in walk(program_of(None), address.format(order), between=lambda: reviewed(order, 1))]
    assert (walked, len(there)) == (there, 4)


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/api/{address}").status_code == 200
    return len(queries)


def test_lists_cost_the_same_at_one_and_at_thirty(order: Order):
    client, addresses = program_of(None), [f"{address.format(order)}?limit=100" for address in LISTS]
    reviewed(order, 1)
    one = [queries_of(client, address) for address in addresses]
    reviewed(order, 29)
    assert [len(items(address)) for address in addresses] == [30, 30]
    assert [queries_of(client, address) for address in addresses] == one == [4, 2]


def test_the_reviews_of_an_order_cost_three_queries(published: Review, buyer: User):
    assert queries_of(program_of(buyer), f"orders/{published.order_id}/reviews") == 3  # who calls, the order, its reviews


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=nonsense"])
def test_a_part_that_is_none_is_refused(query: str):
    assert program_of(None).get(f"/api/gigs/{GigFactory().pk}/reviews?{query}").status_code == 422


def test_a_cursor_of_another_list_is_not_taken_for_ones_own(order: Order):
    reviewed(order, 2)
    GigFactory.create_batch(2)
    cursor = program_of(None).get("/api/gigs?limit=1").json()["next"]
    assert program_of(None).get(f"/api/gigs/{order.gig_id}/reviews?cursor={cursor}").status_code == 422
