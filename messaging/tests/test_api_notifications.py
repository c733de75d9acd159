"""The bell by the API: what it tells, what was read, and how much waits."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts.tests.api import bearer
from marketplace.rest.counterparts import PATHS, page_at
from messaging.models import Notification
from messaging.tests.factories import tell
from messaging.tests.test_api_messages import code, post, queries_of
from messaging.tests.test_conversations import say

NOTHING = {"order_id": None, "proof_id": None, "user_id": None, "url": None}
pytestmark = pytest.mark.django_db


def ids(answer) -> list[int]:
    return [row["id"] for row in answer.json()["items"]]


def test_a_notification_is_shown_with_all_it_says(buyer, thing, settings):
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        row = tell(buyer, thing)
    Notification.objects.filter(pk=row.pk).update(facts=[["Price", "120.00 EUR"]])
    (shown,) = bearer(buyer).get("/api/notifications").json()["items"]
    assert shown == {
        "id": row.pk,
        "kind": "tests.thing",
        "severity": "action",
        "subject": row.subject,
        "body": row.body,
        "facts": [{"label": "Price", "value": "120.00 EUR"}],
        "url": f"{settings.SITE_URL}/orders/",
        "about": NOTHING,
        "read_at": None,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_one_that_leads_nowhere_says_so(buyer):
    Notification.objects.create(user=buyer, kind="gone.kind", subject="Something old")
    (shown,) = bearer(buyer).get("/api/notifications").json()["items"]
    assert (shown["kind"], shown["url"], shown["about"], shown["facts"]) == ("gone.kind", None, NOTHING, [])


ID, OTHER = "0b5e9c1e-6f6d-4c44-8a0e-1f2a3b4c5d6e", "7c1d2e3f-4a5b-4c6d-9e8f-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("page", "path", "ids"),
    [
        (f"/orders/{ID}/", f"orders/{ID}", {"order_id": ID}),
        (f"/orders/{ID}/review/", f"orders/{ID}/reviews", {"order_id": ID}),
        (f"/admin/orders/paymentproof/{ID}/verify/", "payments-to-check", {"proof_id": ID}),
        ("/admin/orders/paymentproof/", "payments-to-check", {}),
        ("/balance/", "payouts", {}),
        ("/settings/payout-accounts/", "payout-accounts", {}),
        ("/accounts/sessions/", "auth/sessions", {}),
        ("/settings/keys/", "auth/keys", {}),
        (f"/settings/webhooks/{ID}/", None, {}),
        (f"/messages/{ID}/", None, {}),  # of nobody
        ("/a/page/of/old/", None, {}),
    ],
)
def test_a_program_reads_what_it_is_about_and_where_it_reads_on(buyer, thing, settings, page, path, ids):
    tell(buyer, thing, url=page)
    (shown,) = bearer(buyer).get("/api/notifications").json()["items"]
    assert shown["about"] == {**NOTHING, **ids, "url": f"{settings.SITE_URL}/api/{path}" if path else None}


def test_of_a_conversation_it_says_with_whom(buyer, freelancer, settings):
    say(freelancer, buyer)
    (shown,) = bearer(buyer).get("/api/notifications").json()["items"]
    url = f"{settings.SITE_URL}/api/messages/{freelancer.pk}"
    assert shown["about"] == {**NOTHING, "user_id": str(freelancer.pk), "url": url}
    assert bearer(buyer).get(url).json()["items"][0]["sender"] == str(freelancer.pk)
    assert post(bearer(buyer), f"notifications/{shown['id']}/read").json()["about"] == shown["about"]


def test_every_page_with_a_counterpart_is_one_of_the_site():
    other = {"messaging:conversation": "conversation_id", "admin:orders_paymentproof_verify": "proof_id"}
    for page, path in PATHS.items():
        names = [other[page]] if page in other else re.findall(r"{(\w+)}", path)
        assert page_at(reverse(page, kwargs=dict.fromkeys(names, ID))) == (page, dict.fromkeys(names, UUID(ID)))


def test_ones_own_are_listed_newest_first_part_by_part(buyer, freelancer, thing):
    rows = [tell(buyer, thing, title=str(n)).pk for n in range(5)]
    tell(freelancer, thing)
    program = bearer(buyer)
    first = program.get("/api/notifications", {"limit": 2})
    tell(buyer, thing)  # what comes in between moves nothing
    second = program.get("/api/notifications", {"limit": 2, "cursor": first.json()["next"]})
    last = program.get("/api/notifications", {"limit": 2, "cursor": second.json()["next"]})
    assert ids(first) + ids(second) + ids(last) == rows[::-1]
    assert last.json()["next"] is None


def test_only_the_unread_are_listed_when_asked_for(buyer, thing):
    read, unread = tell(buyer, thing), tell(buyer, thing)
    post(bearer(buyer), f"notifications/{read.pk}/read")
    assert ids(bearer(buyer).get("/api/notifications", {"unread": "true"})) == [unread.pk]
    assert ids(bearer(buyer).get("/api/notifications", {"unread": "false"})) == [unread.pk, read.pk]
    assert code(bearer(buyer).get("/api/notifications", {"unread": "perhaps"})) == (422, "invalid")


def test_listing_asks_as_often_for_thirty_as_for_one(buyer, thing):
    tell(buyer, thing)
    program = bearer(buyer)
    paths = ["/api/notifications?limit=100", "/api/notifications?limit=100&unread=true", "/api/notifications/count"]
    assert [queries_of(program, path) for path in paths] == [2, 2, 2]
    for _n in range(29):
        tell(buyer, thing, url=f"/orders/{ID}/")
    assert [queries_of(program, path) for path in paths] == [2, 2, 2]
    assert len(ids(program.get(paths[0]))) == 30


def test_conversations_cost_one_question_however_many_they_are(buyer, freelancer, stranger):
    say(freelancer, buyer)
    say(stranger, buyer)
    assert queries_of(bearer(buyer), "/api/notifications?limit=1") == queries_of(bearer(buyer), "/api/notifications") == 3


def test_one_is_acknowledged_and_the_first_time_counts(buyer, thing):
    row, other = tell(buyer, thing), tell(buyer, thing)
    at = (timezone.now() + timedelta(seconds=5)).replace(microsecond=0)
    for moment in (at, at + timedelta(seconds=30)):
        with time_machine.travel(moment, tick=False):
            answer = post(bearer(buyer), f"notifications/{row.pk}/read")
        assert (answer.status_code, answer.json()["id"]) == (200, row.pk)
        assert datetime.fromisoformat(answer.json()["read_at"]) == at.astimezone(UTC)
    other.refresh_from_db()
    assert other.read_at is None


def test_nobody_acknowledges_what_others_were_told(buyer, stranger, thing):
    row = tell(buyer, thing)
    for number in (row.pk, 0, 2**63, 10**30):
        assert code(post(bearer(stranger), f"notifications/{number}/read")) == (404, "not_found")
    row.refresh_from_db()
    assert row.read_at is None


def test_all_are_marked_read_or_those_up_to_one(buyer, freelancer, thing):
    first, second, third = [tell(buyer, thing) for _n in range(3)]
    theirs = tell(freelancer, thing)
    assert post(bearer(buyer), "notifications/read", {"up_to": second.pk}).json() == {"notifications": 1, "conversations": 0}
    assert list(Notification.objects.filter(user=buyer, read_at=None)) == [third]
    assert post(bearer(buyer), "notifications/read", {}).json() == {"notifications": 0, "conversations": 0}
    assert post(bearer(buyer), "notifications/read", {"up_to": 2**53 - 1}).status_code == 200
    first.refresh_from_db()
    theirs.refresh_from_db()
    assert (first.read_at is None, theirs.read_at) == (False, None)


@pytest.mark.parametrize("asked", [{"up_to": 0}, {"up_to": 2**53}, {"up_to": "1"}, {"up_to": None}, {"since": 1}])
def test_up_to_is_the_number_of_one(buyer, thing, asked):
    row = tell(buyer, thing)
    answer = post(bearer(buyer), "notifications/read", asked)
    assert (code(answer), list(answer.json()["fields"])) == ((422, "invalid"), list(asked))
    row.refresh_from_db()
    assert row.read_at is None


def test_what_waits_is_counted_as_in_the_header(buyer, freelancer, stranger, thing):
    for sender in (freelancer, freelancer, stranger):
        say(sender, buyer)
    tell(buyer, thing)
    assert bearer(buyer).get("/api/notifications/count").json() == {"notifications": 3, "conversations": 2}
    assert bearer(freelancer).get("/api/notifications/count").json() == {"notifications": 0, "conversations": 0}
