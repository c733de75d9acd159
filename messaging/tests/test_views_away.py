"""The pages of quiet hours and webhooks."""

from datetime import time, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from messaging.models import ContactSettings, Webhook, WebhookDelivery
from messaging.services.webhooks import MOST_WEBHOOKS, add_webhook

CONTACT = reverse("messaging:contact_settings")
LIST = reverse("messaging:webhooks")
NEW = reverse("messaging:webhook_create")
URL = "https://hooks.example.com/in"


@pytest.fixture
def hook(buyer) -> Webhook:
    return add_webhook(actor=buyer, url=URL, hears=["message", "order"])


@pytest.fixture
def browser(buyer, sign_in):
    """The buyer's, who has just typed the password."""
    buyer.set_password("a long password")
    buyer.save()
    cache.clear()
    client = sign_in(buyer)
    assert client.post(reverse("account_reauthenticate"), {"password": "a long password"}).status_code == 302
    return client


def of(webhook: Webhook, action: str = "") -> str:
    return reverse(f"messaging:webhook{action and '_' + action}", args=[webhook.pk])


def page(response) -> str:
    return response.content.decode()


# --- Quiet hours and presence -----------------------------------------------------------------------------------------
def test_a_choice_is_saved_and_shown_again(buyer, sign_in):
    client = sign_in(buyer)
    assert client.get(CONTACT).context["form"]["shows_presence"].value() is True
    response = client.post(CONTACT, {"quiet_from": "22:00", "quiet_until": "07:30"})
    assert (response.status_code, response.url) == (302, CONTACT)
    chosen = ContactSettings.objects.get(user=buyer)
    assert (chosen.shows_presence, chosen.quiet_from, chosen.quiet_until) == (False, time(22), time(7, 30))
    assert 'value="22:00"' in page(client.get(CONTACT))


@pytest.mark.parametrize(
    ("times", "wrong"),
    [
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_until": "07:00"}, "quiet_from"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from"),
    ],
)
def test_times_that_make_no_sense_are_refused_and_kept_on_the_page(buyer, sign_in, times, wrong):
    response = sign_in(buyer).post(CONTACT, times)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [wrong]
    assert not ContactSettings.objects.exists()


def test_looking_saves_nothing(buyer, sign_in):
    sign_in(buyer).get(CONTACT)
    assert not ContactSettings.objects.exists()


# --- Adding -----------------------------------------------------------------------------------------------------------
def test_the_secret_is_shown_on_the_answer_and_on_no_page_after_it(browser):
    response = browser.post(NEW, {"url": URL, "hears": ["message", "order"]})
    webhook = Webhook.objects.get()
    assert (webhook.url, webhook.hears) == (URL, ["message", "order"])
    assert webhook.secret in page(response)
    assert response["Cache-Control"] == "private, no-store"
    for address in (LIST, of(webhook), NEW):
        assert webhook.secret not in page(browser.get(address))


def test_who_has_not_just_typed_the_password_is_asked_and_adds_nothing(buyer, sign_in):
    client = sign_in(buyer)
    assert client.get(NEW).url.startswith(reverse("account_reauthenticate"))
    assert client.post(NEW, {"url": URL, "hears": ["message"]}).url == NEW
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example.com/", "https://a:b@hooks.example.com/", "ftp://hooks.example.com/", "javascript:alert(1)", ""),
        *("https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "https://[::ffff:8.8.8.8]/"),
        *("https://hooks.example.com:80/", "https://hooks.example.com:22/", "https://hooks.example.com:99999/"),
        *("https://hooks.example.com:0/", "https://[fd00::1]/", "https://[64:ff9b::7f00:1]/", "https://[::1]:8443/"),
        f"https://a.example/{'x' * 500}",
    ],
)
def test_an_address_that_is_not_https_on_the_public_internet_is_refused(browser, url):
    response = browser.post(NEW, {"url": url, "hears": ["message"]})
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["url"])
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com:8443/x?y=1", "https://93.184.216.34/", "https://hooks.example.com:443/"]
)
def test_an_address_on_the_public_internet_is_taken_as_it_is(browser, url):
    browser.post(NEW, {"url": url, "hears": ["notification"]})
    assert Webhook.objects.get().url == url


@pytest.mark.parametrize("hears", [[], ["everything"]])
def test_it_hears_of_something_that_there_is(browser, hears):
    assert browser.post(NEW, {"url": URL, "hears": hears}).status_code == 422
    assert not Webhook.objects.exists()


def test_a_second_one_with_the_same_address_or_one_too_many_is_explained(browser, buyer, hook):
    assert "already" in str(browser.post(NEW, {"url": URL, "hears": ["order"]}).context["form"].errors["url"])
    for number in range(1, MOST_WEBHOOKS):
        add_webhook(actor=buyer, url=f"{URL}/{number}", hears=["order"])
    assert "Delete one first" in str(browser.post(NEW, {"url": f"{URL}/x", "hears": ["order"]}).context["form"].errors["url"])
    assert Webhook.objects.count() == MOST_WEBHOOKS


# --- Looking ----------------------------------------------------------------------------------------------------------
def test_the_list_has_ones_own(buyer, stranger, hook, sign_in):
    add_webhook(actor=stranger, url="https://stranger.example.com/", hears=["order"])
    shown = page(sign_in(buyer).get(LIST))
    assert URL in shown
    assert "stranger.example.com" not in shown
    assert URL not in page(sign_in(stranger).get(LIST))


def test_the_page_shows_the_last_deliveries_and_what_was_answered(buyer, hook, sign_in):
    now = timezone.now()
    rows = [
        {"type": "message.new", "is_sent": True, "sent_at": now, "metadata": {"status": 200, "answer": "<b>thanks</b>"}},
        {"type": "order.updated", "next_attempt_at": now, "attempts": 1, "metadata": {"error": "The name is not known."}},
        {"type": "orders.placed", "attempts": 8, "metadata": {"status": 503}},
    ]
    for row in rows:
        WebhookDelivery.objects.create(webhook=hook, body="{}", created_at=now, **row)
    shown = page(sign_in(buyer).get(of(hook)))
    for words in ("200 &lt;b&gt;thanks&lt;/b&gt;", "The name is not known.", "503", "Taken", "Waits", "Given up"):
        assert words in shown
    assert "Messages to me · Every change of my orders" in shown


def test_the_page_shows_thirty_deliveries_with_as_many_questions_as_one(buyer, hook, sign_in, django_assert_num_queries):
    client, now = sign_in(buyer), timezone.now()

    def deliver(count):
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(webhook=hook, type="order.updated", body="{}", created_at=now) for _ in range(count)
        )

    deliver(1)
    client.get(of(hook))
    with django_assert_num_queries(4):  # person, webhook, deliveries, header
        client.get(of(hook))
    deliver(40)
    with django_assert_num_queries(4):
        assert page(client.get(of(hook))).count("<bdi>order.updated</bdi>") == 30


# --- Doing something with it ------------------------------------------------------------------------------------------
def test_a_test_is_queued_and_a_second_at_once_is_explained(buyer, hook, sign_in):
    client = sign_in(buyer)
    assert client.post(of(hook, "test")).url == of(hook)
    assert WebhookDelivery.objects.get().type == "webhook.test"
    assert "Wait a few seconds" in page(client.post(of(hook, "test"), follow=True))
    assert WebhookDelivery.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        client.post(of(hook, "test"))
    assert WebhookDelivery.objects.count() == 2


def test_off_on_and_gone(buyer, hook, sign_in):
    client = sign_in(buyer)
    assert "Switched off" in page(client.post(of(hook, "disable"), follow=True))
    hook.refresh_from_db()
    assert hook.disabled_at is not None
    assert of(hook, "test") not in page(client.get(of(hook)))
    client.post(of(hook, "enable"))
    hook.refresh_from_db()
    assert hook.disabled_at is None
    assert client.post(of(hook, "delete")).url == LIST
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("action", ["test", "disable", "enable", "delete"])
def test_each_step_is_a_post_of_its_owner(buyer, stranger, hook, sign_in, client, action):
    assert sign_in(buyer).get(of(hook, action)).status_code == 405
    assert sign_in(stranger).post(of(hook, action)).status_code == 404
    assert client.post(of(hook, action)).url == f"/accounts/login/?next={of(hook, action)}"
    hook.refresh_from_db()
    assert (hook.disabled_at, WebhookDelivery.objects.count()) == (None, 0)


def test_anothers_page_is_not_found(stranger, hook, sign_in):
    assert sign_in(stranger).get(of(hook)).status_code == 404
