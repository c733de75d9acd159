import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.events import GROUPS, KINDS, Kind, Mail
from messaging.letters import letter_for
from messaging.models import MailOptOut, Notification
from messaging.selectors import unsubscribe_url_for, wants_mail
from messaging.services import opt_out

LIST = reverse("messaging:notifications")
READ_ALL = reverse("messaging:read_all")
MAIL = reverse("messaging:mail_settings")


def told(user, **fields) -> Notification:
    return Notification.objects.create(**{"user": user, "kind": "tests.thing", "subject": "News", "url": "/orders/", **fields})


def open_url(notification: Notification) -> str:
    return reverse("messaging:open", args=[notification.pk])


def is_read(notification: Notification) -> bool:
    notification.refresh_from_db()
    return notification.read_at is not None


# --- The list -------------------------------------------------------------------------------------------------------
def test_the_list_shows_ones_own_notifications_newest_first(buyer, freelancer, sign_in):
    first, second = told(buyer), told(buyer)
    told(freelancer)
    page = sign_in(buyer).get(LIST).context["page_obj"]
    assert list(page) == [second, first]


def test_the_list_changes_nothing(buyer, sign_in):
    notification = told(buyer)
    sign_in(buyer).get(LIST)
    assert not is_read(notification)


def test_the_list_says_when_nothing_has_happened_yet(buyer, sign_in):
    response = sign_in(buyer).get(LIST)
    assert "Nothing has happened yet" in response.content.decode()
    assert READ_ALL not in response.content.decode()


def test_the_list_shows_thirty_a_page_and_a_wild_page_number_is_harmless(buyer, sign_in):
    for _ in range(31):
        told(buyer)
    client = sign_in(buyer)
    assert [len(client.get(LIST, {"page": page}).context["page_obj"]) for page in ("1", "2", "999", "x")] == [30, 1, 1, 30]


def test_peoples_words_in_the_list_are_escaped(buyer, sign_in):
    told(buyer, subject="<script>alert(1)</script>", body="<img src=x>")
    page = sign_in(buyer).get(LIST).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_the_list_needs_a_sign_in(client):
    assert client.get(LIST).url == f"/accounts/login/?next={LIST}"


def test_the_list_asks_as_many_questions_for_thirty_rows_as_for_one(buyer, sign_in, django_assert_num_queries):
    client = sign_in(buyer)
    told(buyer)
    client.get(LIST)
    with django_assert_num_queries(5):  # person, count, newest, rows, unread
        client.get(LIST)
    for _ in range(29):
        told(buyer)
    with django_assert_num_queries(5):
        client.get(LIST)


def test_the_bell_counts_what_is_unread(buyer, sign_in):
    told(buyer)
    told(buyer, read_at=timezone.now())
    page = sign_in(buyer).get(LIST).content.decode()
    assert re.findall(r'<span class="tool__count" aria-hidden="true">(\d+)</span>', page) == ["1"]


# --- Opening one ----------------------------------------------------------------------------------------------------
def test_opening_marks_it_read_and_leads_to_its_page(buyer, sign_in):
    notification, other = told(buyer, url="/gigs/"), told(buyer)
    response = sign_in(buyer).post(open_url(notification))
    assert (response.status_code, response.url) == (302, "/gigs/")
    assert (is_read(notification), is_read(other)) == (True, False)


def test_opening_again_keeps_the_first_time(buyer, sign_in):
    notification = told(buyer)
    client = sign_in(buyer)
    client.post(open_url(notification))
    notification.refresh_from_db()
    first = notification.read_at
    assert client.post(open_url(notification)).status_code == 302
    notification.refresh_from_db()
    assert notification.read_at == first


def test_nobody_opens_anothers(buyer, stranger, sign_in):
    notification = told(buyer)
    assert sign_in(stranger).post(open_url(notification)).status_code == 404
    assert not is_read(notification)


def test_opening_needs_a_sign_in(buyer, client):
    notification = told(buyer)
    assert client.post(open_url(notification)).url == f"/accounts/login/?next={open_url(notification)}"
    assert not is_read(notification)


def test_opening_is_a_post_with_a_token(buyer, sign_in):
    notification = told(buyer)
    assert sign_in(buyer).get(open_url(notification)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(buyer)
    assert strict.post(open_url(notification)).status_code == 403
    assert not is_read(notification)


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**40])
def test_a_number_that_no_notification_has_is_not_found(buyer, sign_in, number):
    assert sign_in(buyer).post(f"/notifications/{number}/open/").status_code == 404


# --- All read -------------------------------------------------------------------------------------------------------
def test_all_read_marks_what_the_person_saw_and_nothing_that_came_since(buyer, freelancer, sign_in):
    seen, anothers = told(buyer), told(freelancer)
    since = told(buyer)
    response = sign_in(buyer).post(READ_ALL, {"up_to": seen.pk})
    assert (response.status_code, response.url) == (302, LIST)
    assert (is_read(seen), is_read(since), is_read(anothers)) == (True, False, False)


def test_the_button_carries_the_newest_id(buyer, sign_in):
    newest = [told(buyer) for _ in range(31)][-1]
    page = sign_in(buyer).get(LIST, {"page": 2}).content.decode()
    assert f'<input type="hidden" name="up_to" value="{newest.pk}"' in page


@pytest.mark.parametrize("up_to", ["", "x", "-1", "0", str(2**63), "1" * 400])
def test_all_read_without_a_sensible_id_changes_nothing(buyer, sign_in, up_to):
    notification = told(buyer)
    assert sign_in(buyer).post(READ_ALL, {"up_to": up_to}).url == LIST
    assert not is_read(notification)


def test_all_read_is_a_post_of_somebody_signed_in(buyer, client, sign_in):
    notification = told(buyer)
    assert sign_in(buyer).get(READ_ALL).status_code == 405
    assert client.post(READ_ALL, {"up_to": notification.pk}).url == f"/accounts/login/?next={READ_ALL}"
    assert not is_read(notification)


# --- Which mail -----------------------------------------------------------------------------------------------------
@pytest.fixture
def kinds(monkeypatch):
    """Two kinds beside the registered ones."""
    for name in ("tests.one", "tests.two"):
        monkeypatch.setitem(KINDS, name, Kind(name, f"Kind {name}", "info", "Open it"))
    monkeypatch.setitem(GROUPS, "Tests", [KINDS["tests.one"], KINDS["tests.two"]])
    return [name for name, kind in KINDS.items() if kind.mail == Mail.OPTIONAL]


def boxes(page: str) -> dict[str, bool]:
    """The kinds on the page, and whether they are ticked."""
    return {name: "checked" in rest for name, rest in re.findall(r'<input type="checkbox" name="([^"]+)"([^>]*)>', page)}


def test_the_settings_list_every_kind_and_tick_the_wanted_ones(buyer, kinds, sign_in):
    opt_out(user=buyer, kind="tests.two")
    page = sign_in(buyer).get(MAIL).content.decode()
    open_to_all = [name for name in kinds if not KINDS[name].for_staff]
    assert boxes(page) == {name: name != "tests.two" for name in open_to_all}


def test_kinds_for_staff_are_a_choice_of_staff_alone(buyer, moderator, kinds, sign_in, monkeypatch):
    kind = Kind("tests.staff", "For staff", "info", "Open it", for_staff=True)
    monkeypatch.setitem(GROUPS, "Staff", [kind])
    assert "tests.staff" not in boxes(sign_in(buyer).get(MAIL).content.decode())
    assert "tests.staff" in boxes(sign_in(moderator).get(MAIL).content.decode())
    sign_in(buyer).post(MAIL, {})
    assert not MailOptOut.objects.filter(kind="tests.staff").exists()


def test_mail_for_a_persons_safety_is_no_choice_and_comes_even_when_refused(buyer, kinds, sign_in, monkeypatch):
    monkeypatch.setitem(KINDS, "tests.one", Kind("tests.one", "Kind one", "problem", "Open it", mail=Mail.ALWAYS))
    monkeypatch.setitem(GROUPS, "Tests", [KINDS["tests.one"]])
    assert "tests.one" not in boxes(sign_in(buyer).get(MAIL).content.decode())
    opt_out(user=buyer, kind="tests.one")
    assert wants_mail(buyer, "tests.one")
    letter = letter_for(Notification(user=buyer, kind="tests.one", subject="Look", body="Words.", url="/"))
    assert "unsubscribe" not in letter.text + letter.html
    assert letter.unsubscribe_url == ""


def test_saving_keeps_exactly_the_ticked_kinds(buyer, freelancer, kinds, sign_in):
    opt_out(user=buyer, kind="tests.one")
    opt_out(user=freelancer, kind="tests.one")
    response = sign_in(buyer).post(MAIL, {name: "on" for name in kinds if name != "tests.two"})
    assert (response.status_code, response.url) == (302, MAIL)
    assert list(MailOptOut.objects.filter(user=buyer).values_list("kind", flat=True)) == ["tests.two"]
    assert list(MailOptOut.objects.filter(user=freelancer).values_list("kind", flat=True)) == ["tests.one"]


def test_no_tick_at_all_is_a_choice_too_and_unknown_names_are_nothing(buyer, kinds, sign_in):
    assert sign_in(buyer).post(MAIL, {"tests.nothing": "on"}).status_code == 302
    refused = sorted(MailOptOut.objects.filter(user=buyer).values_list("kind", flat=True))
    assert refused == sorted(name for name in kinds if not KINDS[name].for_staff)


def test_a_whole_group_is_switched_at_once_and_the_other_boxes_keep_their_ticks(buyer, sign_in):
    browser = sign_in(buyer)
    form = browser.get(MAIL).context["form"]
    (_first, one), (_second, other) = [(label, {box.name for box in boxes}) for label, boxes in form.groups][:2]
    unticked = min(other)

    browser.post(MAIL, dict.fromkeys(set(form.fields) - {unticked}, "on") | {"none": "0"})
    assert set(MailOptOut.objects.values_list("kind", flat=True)) == one | {unticked}
    browser.post(MAIL, dict.fromkeys(set(form.fields) - one - {unticked}, "on") | {"all": "0"})
    assert set(MailOptOut.objects.values_list("kind", flat=True)) == {unticked}


@pytest.mark.parametrize("number", ["", "x", "-1", "999"])
def test_the_button_of_no_group_switches_nothing(buyer, sign_in, number):
    browser = sign_in(buyer)
    browser.post(MAIL, dict.fromkeys(browser.get(MAIL).context["form"].fields, "on") | {"none": number})
    assert not MailOptOut.objects.exists()


def test_the_settings_need_a_sign_in(client, kinds):
    assert client.get(MAIL).url == f"/accounts/login/?next={MAIL}"
    assert client.post(MAIL, {}).url == f"/accounts/login/?next={MAIL}"


# --- The way out in every mail --------------------------------------------------------------------------------------
@pytest.fixture
def way_out(buyer, kinds) -> str:
    return unsubscribe_url_for(buyer, "tests.one").removeprefix("http://localhost:8000")


def test_looking_at_the_address_stops_nothing(client, way_out):
    assert "Stop these mails?" in client.get(way_out).content.decode()
    assert MailOptOut.objects.count() == 0


def test_one_post_without_sign_in_or_token_stops_the_kind_and_no_other(buyer, way_out):
    response = Client(enforce_csrf_checks=True).post(way_out, {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert "These mails are stopped" in response.content.decode()
    assert list(MailOptOut.objects.values_list("user", "kind")) == [(buyer.pk, "tests.one")]


def test_stopping_twice_is_fine_and_the_address_then_offers_the_way_back(client, way_out):
    client.post(way_out)
    assert client.post(way_out).status_code == 200
    assert MailOptOut.objects.count() == 1
    assert f'action="{way_out}undo/"' in client.get(way_out).content.decode()


def test_a_slip_can_be_taken_back(client, way_out):
    client.post(way_out)
    response = client.post(way_out + "undo/")
    assert (response.status_code, response.url) == (302, way_out)
    assert MailOptOut.objects.count() == 0


def test_taking_back_is_a_post_with_a_token(client, way_out):
    client.post(way_out)
    assert client.get(way_out + "undo/").status_code == 405
    assert Client(enforce_csrf_checks=True).post(way_out + "undo/").status_code == 403
    assert MailOptOut.objects.count() == 1


@pytest.mark.parametrize(
    "forge", [lambda path: path.replace(":", "x:", 1), lambda path: path[:-3] + "xx/", lambda path: "/mail/unsubscribe/x/"]
)
@pytest.mark.parametrize("action", ["", "undo/"])
def test_a_forged_address_is_not_found(client, way_out, forge, action):
    assert client.post(forge(way_out) + action).status_code == 404
    assert MailOptOut.objects.count() == 0


def test_the_address_works_for_a_kind_that_exists_no_more(client, buyer, kinds):
    path = unsubscribe_url_for(buyer, "tests.gone").removeprefix("http://localhost:8000")
    assert client.post(path).status_code == 200
    assert list(MailOptOut.objects.values_list("kind", flat=True)) == ["tests.gone"]
