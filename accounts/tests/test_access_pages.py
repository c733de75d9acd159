"""What is signed in, on pages: browsers, programs, API keys; and where administrators end them."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from auditlog.models import LogEntry
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.exceptions import InvalidRefreshToken, NotAllowed
from accounts.models import ApiKey, AuthSession, User
from accounts.selectors import find_key, list_auth_sessions, list_keys
from accounts.services import Tokens, make_key, note_key_use, refresh, revoke, revoke_key, sign_in
from accounts.services.keys import MOST_KEYS
from accounts.services.oversight import end_for
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_in import PASSWORD, confirm, sign_in_by_form
from conftest import SignIn

pytestmark = pytest.mark.django_db

SESSIONS = reverse("accounts:sessions")
KEYS = reverse("accounts:keys")
NEW = reverse("accounts:key_create")
FORM = {"name": "Bookkeeping", "scopes": ["read", "orders"]}


def program_of(user: User, user_agent: str = "Pocket/2.1", ip: str | None = "203.0.113.7") -> Tokens:
    return sign_in(email=user.email, password=PASSWORD, user_agent=user_agent, ip=ip)


def key_of(user: User, name: str = "Bookkeeping", scopes: tuple[str, ...] = ("read",)) -> ApiKey:
    return make_key(actor=user, name=name, scopes=scopes, password=PASSWORD)[0]


def page(response: HttpResponse) -> str:
    return response.content.decode()


@pytest.fixture
def browser(buyer: User) -> Client:
    """The buyer's, who has just typed the password."""
    cache.clear()
    client = Client()
    sign_in_by_form(client, buyer)
    confirm(client)
    return client


# --- Sessions ---------------------------------------------------------------------------------------------------------
class TestThePageOfSessions:
    def test_shows_each_program_with_where_and_since_when(self, browser: Client, buyer: User):
        with time_machine.travel("2026-03-01T10:00:00Z"):
            program_of(buyer)
        AuthSession.objects.update(expires_at=timezone.now() + timedelta(days=3), last_used_at=timezone.now())
        shown = page(browser.get(SESSIONS))
        assert re.search(r'row__title"><bdi>Pocket/2.1</bdi>', shown)
        assert "203.0.113.7" in shown
        assert "since 1 Mar 2026, 10:00 UTC" in shown
        assert f"over on {timezone.now() + timedelta(days=3):%-d %b %Y} if it is not used" in shown

    def test_names_a_program_that_says_nothing_about_itself(self, browser: Client, buyer: User):
        program_of(buyer, user_agent="", ip=None)
        assert "Unknown program" in page(browser.get(SESSIONS))

    def test_keeps_what_a_program_says_about_itself_from_being_markup(self, browser: Client, buyer: User):
        program_of(buyer, user_agent="<b>x</b>")
        assert "<b>x" not in page(browser.get(SESSIONS))

    def test_shows_nobody_elses_and_none_that_are_over(self, browser: Client, buyer: User, stranger: User):
        program_of(stranger)
        with time_machine.travel(timezone.now() - timedelta(days=31)):
            program_of(buyer)
        revoke(token=program_of(buyer).refresh)
        assert "Pocket" not in page(browser.get(SESSIONS))

    def test_says_so_when_there_is_no_program(self, browser: Client):
        assert "No app or other program is signed in" in page(browser.get(SESSIONS))

    def test_is_one_page_for_allauths_name_and_ours(self, browser: Client):
        assert reverse("usersessions_list") == SESSIONS

    def test_costs_the_same_with_one_and_with_thirty_programs(self, browser: Client, buyer: User, django_assert_num_queries):
        program_of(buyer)
        browser.get(SESSIONS)
        with django_assert_num_queries(6):  # sessions of allauth with theirs and the persons, factors, programs, header
            browser.get(SESSIONS)
        for _number in range(29):
            program_of(buyer)
        with django_assert_num_queries(6):
            assert page(browser.get(SESSIONS)).count("Pocket/2.1</bdi>") == 30


class TestEndingAProgram:
    def test_signs_it_out_and_leaves_the_others(self, browser: Client, buyer: User):
        one, other = program_of(buyer), program_of(buyer)
        response = browser.post(reverse("accounts:session_end", args=[one.session.pk]), follow=True)
        assert response.redirect_chain == [(SESSIONS, 302)]
        assert "The program is signed out." in page(response)
        assert list(list_auth_sessions(buyer)) == [other.session]
        assert AuthSession.objects.get(pk=one.session.pk).end_reason == AuthSession.End.SIGNED_OUT
        assert browser.get(SESSIONS).status_code == 200

    def test_is_404_for_somebody_elses_and_ends_nothing(self, browser: Client, stranger: User):
        theirs = program_of(stranger)
        assert browser.post(reverse("accounts:session_end", args=[theirs.session.pk])).status_code == 404
        assert list(list_auth_sessions(stranger)) == [theirs.session]

    def test_twice_is_no_error(self, browser: Client, buyer: User):
        url = reverse("accounts:session_end", args=[program_of(buyer).session.pk])
        assert [browser.post(url).status_code for _time in range(2)] == [302, 302]

    def test_is_a_post_of_somebody_signed_in(self, browser: Client, buyer: User, client: Client):
        url = reverse("accounts:session_end", args=[program_of(buyer).session.pk])
        assert browser.get(url).status_code == 405
        assert client.post(url).url == f"{reverse('account_login')}?next={url}"
        assert list_auth_sessions(buyer).count() == 1


class TestEndingAllOthers:
    def test_ends_browsers_and_programs_but_this_one_and_the_keys(self, browser: Client, buyer: User, stranger: User):
        sign_in_by_form(other := Client(), buyer)
        mine, theirs, key = program_of(buyer), program_of(stranger), key_of(buyer)
        response = browser.post(SESSIONS, follow=True)
        assert "All other sessions are ended." in page(response)
        assert (other.get(KEYS).status_code, browser.get(KEYS).status_code) == (302, 200)
        assert (UserSession.objects.filter(user=buyer).count(), list(list_auth_sessions(buyer))) == (1, [])
        assert AuthSession.objects.get(pk=mine.session.pk).end_reason == AuthSession.End.SIGNED_OUT
        assert list(list_auth_sessions(stranger)) == [theirs.session]
        assert list(list_keys(buyer)) == [key]

    def test_is_offered_when_only_a_program_is_signed_in_beside_this_browser(self, browser: Client, buyer: User):
        assert "There are no other sessions." in page(browser.get(SESSIONS))
        program_of(buyer)
        shown = page(browser.get(SESSIONS))
        assert "There are no other sessions." not in shown
        assert "End all other sessions" in shown

    def test_does_nothing_for_a_visitor(self, client: Client, buyer: User):
        program_of(buyer)
        assert client.post(SESSIONS).url == f"{reverse('account_login')}?next={SESSIONS}"
        assert list_auth_sessions(buyer).count() == 1


# --- Keys -------------------------------------------------------------------------------------------------------------
class TestMakingAKey:
    def test_shows_it_on_the_answer_and_on_no_page_after_it(self, browser: Client, buyer: User):
        response = browser.post(NEW, FORM)
        key = ApiKey.objects.get()
        plain = str(response.context["plain"])
        assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")
        assert (key.user, key.name, key.scopes) == (buyer, "Bookkeeping", ["read", "orders"])
        assert find_key(plain) == key
        assert f'<code class="copy__value" id="key">{plain}</code>' in page(response)
        assert 'data-copy="key"' in page(response)
        assert f'href="{KEYS}"' in page(response)
        for address in (KEYS, NEW, SESSIONS):
            assert plain not in page(browser.get(address))

    def test_tells_the_person_by_mail(self, browser: Client, buyer: User, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(NEW, FORM)
        assert [(letter.to, "API key" in letter.subject) for letter in mail.outbox] == [([buyer.email], True)]

    def test_asks_for_the_password_first_and_takes_nothing_without_it(self, buyer: User, sign_in: SignIn):
        client = sign_in(buyer)
        asked = client.get(NEW)
        assert asked.url.startswith(reverse("account_reauthenticate"))
        response = client.post(NEW, FORM)
        assert response.url == NEW
        assert ApiKey.objects.count() == 0
        assert client.post(asked.url, {"password": PASSWORD}).url == NEW
        assert client.get(NEW).status_code == 200
        assert ApiKey.objects.count() == 0

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": " \u200b"}, "name"),
            ({"name": "a\u200db"}, "name"),
            ({"name": "x" * 61}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "nul\x00"}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes"),
        ],
    )
    def test_says_what_is_wrong_and_makes_none(self, browser: Client, wrong: dict[str, object], field: str):
        response = browser.post(NEW, {**FORM, **wrong})
        assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
        assert ApiKey.objects.count() == 0

    def test_takes_the_longest_name_there_may_be(self, browser: Client):
        browser.post(NEW, {**FORM, "name": "ñ" * 60})
        assert ApiKey.objects.get().name == "ñ" * 60

    @pytest.mark.parametrize("tier", list(User.Tier))
    def test_is_refused_with_words_beyond_what_the_tier_may_have(self, browser: Client, buyer: User, tier: User.Tier):
        User.objects.filter(pk=buyer.pk).update(tier=tier)
        for number in range(MOST_KEYS[tier]):
            key_of(buyer, name=f"Key {number}")
        response = browser.post(NEW, FORM)
        assert response.status_code == 422
        assert "as many as your account may have" in str(response.context["form"].non_field_errors())
        assert ApiKey.objects.count() == MOST_KEYS[tier]

    def test_explains_each_scope_and_names_it(self, browser: Client):
        shown = page(browser.get(NEW))
        assert re.findall(r"<code>(\w+)</code><span class=\"scope__words\">.{20,}?</span>", shown) == [
            "read",
            "orders",
            "messages",
            "gigs",
        ]


class TestTheListOfKeys:
    def test_says_how_many_there_may_be_before_the_first_is_made(self, browser: Client):
        shown = page(browser.get(KEYS))
        assert "No key yet" in shown
        assert shown.index("You may have 3 keys at a time.") < shown.index("Make a key</a>")

    def test_says_how_many_there_are_and_offers_no_more_than_allowed(self, browser: Client, buyer: User):
        for number in (1, 2):
            key_of(buyer, name=f"Key {number}")
        shown = page(browser.get(KEYS))
        assert "You have 2 of the 3 keys your account may have." in shown
        assert f'href="{NEW}"' in shown
        key_of(buyer, name="Key 3")
        shown = page(browser.get(KEYS))
        assert "You have 3 of the 3 keys your account may have. Revoke one to make another." in shown
        assert f'href="{NEW}"' not in shown

    def test_shows_what_each_opens_and_when_it_was_used(self, browser: Client, buyer: User):
        with time_machine.travel("2026-03-01T10:00:00Z"):
            key = key_of(buyer, name="<b>Till</b>", scopes=("read", "gigs"))
        shown = page(browser.get(KEYS))
        for words in ("&lt;b&gt;Till&lt;/b&gt;", f"{key.shown}…", "<code>read</code>, <code>gigs</code>", "made 1 Mar 2026"):
            assert words in shown
        assert "not used yet" in shown
        note_key_use(key=key, now=timezone.now() - timedelta(hours=2))
        assert "last used 2\N{NO-BREAK SPACE}hours ago" in page(browser.get(KEYS))

    def test_has_ones_own_that_are_not_revoked(self, browser: Client, buyer: User, stranger: User):
        key_of(stranger, name="Theirs")
        revoke_key(actor=buyer, key_id=key_of(buyer, name="Old").pk)
        shown = page(browser.get(KEYS))
        assert [name in shown for name in ("Theirs", "Old", "No key yet")] == [False, False, True]

    def test_costs_the_same_with_one_and_with_ten(self, browser: Client, buyer: User, django_assert_num_queries):
        User.objects.filter(pk=buyer.pk).update(tier=User.Tier.PRO)
        key_of(buyer)
        browser.get(KEYS)
        with django_assert_num_queries(3):  # person, keys, header
            browser.get(KEYS)
        for number in range(9):
            key_of(buyer, name=f"Key {number}")
        with django_assert_num_queries(3):
            assert page(browser.get(KEYS)).count("not used yet") == 10

    @pytest.mark.parametrize("url", [KEYS, NEW, SESSIONS])
    def test_is_found_in_the_navigation(self, browser: Client, url: str):
        marked = re.findall(r'href="([^"]+)" aria-current="page"', page(browser.get(url)))
        assert marked == [SESSIONS if url == SESSIONS else KEYS]


class TestRevokingAKey:
    def test_locks_the_program_out_at_once(self, browser: Client, buyer: User):
        key, plain = make_key(actor=buyer, name="Till", scopes=["read"], password=PASSWORD)
        response = browser.post(reverse("accounts:key_revoke", args=[key.pk]), follow=True)
        assert response.redirect_chain == [(KEYS, 302)]
        assert "The key is revoked." in page(response)
        assert (find_key(plain), list(list_keys(buyer))) == (None, [])

    def test_is_404_for_somebody_elses_and_revokes_nothing(self, browser: Client, stranger: User):
        theirs = key_of(stranger)
        assert browser.post(reverse("accounts:key_revoke", args=[theirs.pk])).status_code == 404
        assert list(list_keys(stranger)) == [theirs]

    def test_is_a_post_of_somebody_signed_in(self, browser: Client, buyer: User, client: Client):
        url = reverse("accounts:key_revoke", args=[key_of(buyer).pk])
        assert browser.get(url).status_code == 405
        assert client.post(url).url == f"{reverse('account_login')}?next={url}"
        assert list_keys(buyer).count() == 1


# --- Administrators ---------------------------------------------------------------------------------------------------
class TestTheAdmin:
    @pytest.fixture
    def boss(self) -> User:
        return UserFactory(email="boss@example.com", full_name="Boss", is_staff=True, is_superuser=True)

    @pytest.fixture
    def desk(self, boss: User) -> Client:
        client = Client()
        client.force_login(boss)
        return client

    def act(self, desk: Client, model: str, row: AuthSession | ApiKey) -> HttpResponse:
        data = {"action": "end", "_selected_action": [str(row.pk)]}
        return desk.post(reverse(f"admin:accounts_{model}_changelist"), data, follow=True)

    def test_lists_and_shows_both_and_changes_neither(self, desk: Client, buyer: User):
        session, key = program_of(buyer).session, key_of(buyer)
        for model, row in (("authsession", session), ("apikey", key)):
            listed = page(desk.get(reverse(f"admin:accounts_{model}_changelist"), {"q": "amara"}))
            assert "Amara Okafor" in listed
            url = reverse(f"admin:accounts_{model}_change", args=[row.pk])
            shown = page(desk.get(url))
            assert ("Amara Okafor" in shown, 'name="_save"' in shown) == (True, False)
            assert desk.post(url, {"name": "x"}).status_code == 403
            assert desk.get(reverse(f"admin:accounts_{model}_add")).status_code == 403
            assert desk.get(reverse(f"admin:accounts_{model}_delete", args=[row.pk])).status_code == 403

    def test_shows_no_secret(self, desk: Client, buyer: User):
        session, key = program_of(buyer).session, key_of(buyer)
        for model, row in (("authsession", session), ("apikey", key)):
            shown = page(desk.get(reverse(f"admin:accounts_{model}_change", args=[row.pk])))
            assert [secret in shown for secret in (session.stamp, key.digest)] == [False, False]

    def test_ends_a_program_and_revokes_a_key(self, desk: Client, boss: User, buyer: User):
        tokens, key = program_of(buyer), key_of(buyer)
        assert "1 ended." in page(self.act(desk, "authsession", tokens.session))
        assert "1 ended." in page(self.act(desk, "apikey", key))
        assert (list(list_auth_sessions(buyer)), list(list_keys(buyer))) == ([], [])
        with pytest.raises(InvalidRefreshToken):
            refresh(token=tokens.refresh)
        line = LogEntry.objects.get_for_object(key).latest("pk")
        assert (line.actor, list(line.changes_dict)) == (boss, ["revoked_at"])
        for model, row in (("authsession", tokens.session), ("apikey", key)):
            story = page(desk.get(reverse(f"admin:accounts_{model}_history", args=[row.pk])))
            assert re.search(r"<td>boss@example\.com[^<]*</td>\s*<td>Ended\.</td>", story)

    def test_is_closed_to_staff_who_are_no_administrators(self, moderator: User, sign_in: SignIn, buyer: User):
        session, key = program_of(buyer).session, key_of(buyer)
        client = sign_in(moderator)
        for model, row in (("authsession", session), ("apikey", key)):
            assert client.get(reverse(f"admin:accounts_{model}_changelist")).status_code == 403
            assert self.act(client, model, row).status_code == 403
        assert (list_auth_sessions(buyer).count(), list_keys(buyer).count()) == (1, 1)

    def test_lists_cost_the_same_at_one_and_at_thirty(self, desk: Client, django_assert_max_num_queries):
        urls = [reverse(f"admin:accounts_{model}_changelist") for model in ("authsession", "apikey")]
        counts = []
        for number in (1, 29):
            for person in UserFactory.create_batch(number):
                program_of(person)
                key_of(person)
            for url in urls:
                desk.get(url)
            with django_assert_max_num_queries(30) as asked:
                for url in urls:
                    desk.get(url)
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestTheServicesOfAdministrators:
    def test_refuse_everybody_else_and_change_nothing(self, moderator: User, buyer: User):
        session, key = program_of(buyer).session, key_of(buyer)
        for program in (session, key):
            with pytest.raises(NotAllowed):
                end_for(actor=moderator, program=program)
        assert (list(list_auth_sessions(buyer)), list(list_keys(buyer))) == ([session], [key])
