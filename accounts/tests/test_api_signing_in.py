"""Joining, signing in and staying signed in by the API alone."""

import re
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuthSession, EmailCode, User
from accounts.selectors import find_key, list_auth_sessions, stamp_of
from accounts.services import (
    deactivate_account,
    discard_old_access,
    make_key,
    prove_email,
    register,
    registration,
    revoke_session,
)
from accounts.services.registration import _mails_to
from accounts.tests.api import code_of
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_in import PASSWORD, code_now, sign_in_by_form
from accounts.tests.test_sign_up import CountingHasher, code_in
from gigs.tests.factories import GigFactory
from marketplace.cache import count
from messaging.models import Notification

pytestmark = pytest.mark.django_db

NEW = {"email": "Zoe@Example.com", "password": "plum orbit lantern", "full_name": "Zoë Østergård", "time_zone": "Europe/Oslo"}
SENT = {"message": "A mail is on its way. It says how to go on."}


@pytest.fixture(autouse=True)
def _nobody_has_called():
    cache.clear()


def post(path: str, said: dict, client: Client | None = None, **more) -> HttpResponse:
    cache.clear()  # what is counted has its own tests
    return (client or Client()).post(f"/api/auth/{path}", said, content_type="application/json", **more)


def verify(code: str, email: str = "zoe@example.com", password: str | None = None) -> HttpResponse:
    return post("verify", {"email": email, "code": code, "password": password or NEW["password"]})


def credentials(user: User, **more: str) -> dict[str, str]:
    return {"email": user.email, "password": PASSWORD, **more}


def me(access: str) -> HttpResponse:
    return Client().get("/api/me", headers={"authorization": f"Bearer {access}"})


# --- Joining --------------------------------------------------------------------------------------------------------
class TestRegistering:
    def test_goes_through_the_code_in_the_mail_to_being_signed_in(self):
        answer = post("register", NEW)
        assert (answer.status_code, answer.json()) == (202, SENT)
        assert [message.to for message in mail.outbox] == [["zoe@example.com"]]
        person = User.objects.get()
        names = (person.email, person.full_name, person.handle, person.time_zone)
        assert names == ("zoe@example.com", "Zoë Østergård", "zoe-ostergard", "Europe/Oslo")
        wanted = {"email": "zoe@example.com", "password": NEW["password"]}
        assert code_of(post("token", wanted)) == (403, "email_unverified")
        assert verify(code_in(mail.outbox[0])).status_code == 204
        assert (EmailAddress.objects.get().verified, EmailAddress.objects.get().primary) == (True, True)
        assert me(post("token", wanted).json()["access"]).json()["email"] == "zoe@example.com"

    def test_with_a_known_address_answers_the_same_and_tells_its_owner_by_mail(self):
        owner = UserFactory(email="zoe@example.com")
        answer = post("register", NEW)
        assert (answer.status_code, answer.json()) == (202, SENT)
        assert (User.objects.get(), EmailCode.objects.count()) == (owner, 0)
        assert User.objects.get().check_password(PASSWORD)
        (message,) = mail.outbox
        assert (message.to, "already" in message.subject, reverse("account_reset_password") in message.body) == (
            ["zoe@example.com"],
            True,
            True,
        )

    @pytest.mark.parametrize("known", [True, False])
    def test_the_name_of_the_site_is_refused_whether_or_not_the_address_is_known(self, known: bool):
        if known:
            UserFactory(email="zoe@example.com")
        answer = post("register", {**NEW, "full_name": "Handsel Support"})
        assert (code_of(answer), [*answer.json()["fields"]]) == ((422, "name_reserved"), ["full_name"])
        assert (User.objects.count(), mail.outbox) == (int(known), [])

    def test_nobody_takes_an_account_before_its_owner_has_it(self):
        """Mallory registers Zoë's address. Zoë registers too, and types in the code that she gets."""
        post("register", {**NEW, "password": "the password of mallory", "full_name": "Mallory"})
        first = User.objects.get()
        outside = AuthSession.objects.create(
            user=first,
            created_at=timezone.now(),
            last_used_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=1),
            stamp="x",
        )
        assert post("register", NEW).json() == SENT
        post("verify/resend", {"email": "zoe@example.com"})
        newest = code_in(mail.outbox[-1])
        for code in (code_in(mail.outbox[0]), newest):
            assert code_of(verify(code, password="the password of mallory")) == (422, "code_wrong")
        assert verify(newest).status_code == 204
        person = User.objects.get()
        assert (person.full_name, person.handle, person.check_password(NEW["password"])) == (
            "Zoë Østergård",
            "zoe-ostergard",
            True,
        )
        assert not AuthSession.objects.filter(pk=outside.pk).exists()
        wanted = {"email": "zoe@example.com", "password": "the password of mallory"}
        assert code_of(post("token", wanted)) == (401, "sign_in_failed")

    def test_whoever_registers_last_before_the_code_is_typed_in_proves_nothing_by_it(self):
        post("register", NEW)
        post("register", {**NEW, "password": "the password of mallory"})
        for message in mail.outbox:
            assert code_of(verify(code_in(message))) == (422, "code_wrong")
        assert EmailAddress.objects.get().verified is False

    def test_a_code_of_the_site_proves_no_password_that_came_by_a_program(self, client: Client):
        client.post(reverse("account_signup"), {**NEW, "password1": NEW["password"]})
        code = code_in(mail.outbox[-1])
        post("register", {**NEW, "password": "the password of mallory"})
        answer = client.post(reverse("account_email_verification_sent"), {"code": code})
        assert "belongs to an account already" in answer.content.decode()
        assert "_auth_user_id" not in client.session
        assert EmailAddress.objects.get().verified is False

    @pytest.mark.parametrize(
        "had", [{"is_staff": True}, {"is_superuser": True}, {"tier": "pro"}, {"last_login": timezone.now()}, {"is_active": False}]
    )
    def test_an_account_that_staff_made_more_of_or_that_was_in_use_stays(self, had):
        person = User.objects.create_user(email="zoe@example.com", password=PASSWORD, full_name="Zoë", **had)
        assert post("register", {**NEW, "full_name": "Mallory"}).json() == SENT
        assert "already" in mail.outbox[0].subject
        assert (User.objects.get(), User.objects.get().full_name) == (person, "Zoë")
        assert User.objects.get().check_password(PASSWORD)

    def test_an_account_with_a_past_stays(self):
        person = User.objects.create_user(email="zoe@example.com", password=PASSWORD, full_name="Zoë")
        GigFactory(freelancer=person)
        assert post("register", NEW).json() == SENT
        assert "already" in mail.outbox[0].subject
        assert User.objects.get().check_password(PASSWORD)

    def test_changes_nothing_where_no_code_would_be_sent_any_more(self):
        post("register", NEW)
        for _time in range(4):
            post("verify/resend", {"email": "zoe@example.com"})
        person = User.objects.get()
        cleared = cache.clear
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(cache, "clear", lambda: None)
            for _time in range(5):
                count(_mails_to("zoe@example.com"), 3600)
            assert post("register", {**NEW, "password": "the password of mallory"}).json() == SENT
        cleared()
        assert (User.objects.get(), User.objects.get().check_password(NEW["password"])) == (person, True)
        assert verify(code_in(mail.outbox[-1])).status_code == 204

    def test_hashes_one_password_for_a_known_address_and_for_a_new_one(self, settings):
        UserFactory(email="known@example.com")
        settings.PASSWORD_HASHERS = ["accounts.tests.test_sign_up.CountingHasher"]
        for email in ("new@example.com", "known@example.com"):
            CountingHasher.hashed.clear()
            post("register", {**NEW, "email": email})
            assert (email, CountingHasher.hashed) == (email, [NEW["password"]])

    @pytest.mark.parametrize("password", ["short", "password1234", "1234567890123", "Zoë Østergård", "zoe@example.com"])
    def test_refuses_a_weak_password_whether_the_address_is_known_or_not(self, password):
        UserFactory(email="known@example.com")
        for email in ("zoe@example.com", "known@example.com"):
            answer = post("register", {**NEW, "email": email, "password": password})
            assert (code_of(answer), list(answer.json()["fields"])) == ((422, "invalid"), ["password"])
        assert (User.objects.count(), mail.outbox) == (1, [])

    WRONG = {
        "no address": ("email", "zoe"),
        "two addresses": ("email", "a@example.com,b@example.com"),
        "an address with a line break": ("email", "zoe@example.com\nBcc: x@example.com"),
        "too long an address": ("email", f"{'z' * 250}@example.com"),
        "no name": ("full_name", " "),
        "a name of two lines": ("full_name", "Zoë\nBcc: x"),
        "a name that shows nothing": ("full_name", "\u200b"),
        "too long a name": ("full_name", "z" * 121),
        "no such zone": ("time_zone", "Mars/Olympus"),
        "a password without end": ("password", "x" * 1001),
        "a number": ("password", 1234567890123),
        "rights": ("is_staff", True),
    }

    @pytest.mark.parametrize(("field", "value"), WRONG.values(), ids=WRONG)
    def test_refuses(self, field, value):
        answer = post("register", {**NEW, field: value})
        assert (code_of(answer), list(answer.json()["fields"])) == ((422, "invalid"), [field])
        assert (User.objects.count(), mail.outbox) == (0, [])

    def test_without_a_mail_server_says_so_and_the_code_can_be_asked_for_later(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
        UserFactory(email="known@example.com")
        for email in ("zoe@example.com", "known@example.com"):
            assert code_of(post("register", {**NEW, "email": email})) == (503, "mail_not_sent")
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert post("verify/resend", {"email": "zoe@example.com"}).status_code == 202
        assert verify(code_in(mail.outbox[0])).status_code == 204

    def test_goes_on_on_the_site(self, client: Client):
        post("register", NEW)
        answer = client.post(reverse("account_login"), {"login": "zoe@example.com", "password": NEW["password"]})
        assert answer.url == reverse("account_email_verification_sent")
        assert "_auth_user_id" not in client.session
        client.post(answer.url, {"code": code_in(mail.outbox[-1])})
        assert client.session["_auth_user_id"] == str(User.objects.get().pk)
        assert post("token", {"email": "zoe@example.com", "password": NEW["password"]}).status_code == 200

    def test_begun_on_the_site_goes_on_here(self, client: Client):
        client.post(reverse("account_signup"), {**NEW, "password1": NEW["password"]})
        post("verify/resend", {"email": "zoe@example.com"})
        assert verify(code_in(mail.outbox[-1])).status_code == 204
        assert EmailAddress.objects.get().verified is True

    def test_made_in_the_admin_goes_on_here(self):
        person = User.objects.create_user(email="zoe@example.com", password=NEW["password"], full_name="Zoë")
        wanted = {"email": "zoe@example.com", "password": NEW["password"]}
        assert code_of(post("token", wanted)) == (403, "email_unverified")
        post("verify/resend", {"email": "Zoe@example.com"})
        assert verify(code_in(mail.outbox[-1])).status_code == 204
        assert post("token", wanted).status_code == 200
        assert EmailAddress.objects.get().user == person

    def test_goes_to_the_address_that_is_stored_and_not_to_another_that_looks_like_it(self):
        post("register", {**NEW, "email": "mike@example.com"})
        post("verify/resend", {"email": "mi\u212ae@example.com"})  # the Kelvin sign, whose small letter is a k
        post("register", {**NEW, "email": "mi\u212ae@example.com"})
        assert [message.to for message in mail.outbox] == [["mike@example.com"]] * 3
        assert (User.objects.count(), EmailCode.objects.count()) == (1, 1)

    def test_an_address_gets_five_mails_an_hour_whoever_it_is(self, monkeypatch):
        monkeypatch.setattr("accounts.tests.test_api_signing_in.cache.clear", lambda: None)
        monkeypatch.setattr("accounts.api.signing_in.slow_down", lambda *_told: None)
        monkeypatch.setattr("accounts.gates.slow_down", lambda *_told, **_more: None)
        UserFactory(email="known@example.com")
        for email in ("new@example.com", "known@example.com", "nobody@example.com"):
            mail.outbox.clear()
            for _time in range(4):
                assert post("verify/resend", {"email": email}).json() == SENT
            for _time in range(4):
                assert post("register", {**NEW, "email": email.upper()}).json() == SENT
            assert (email, len(mail.outbox)) == (email, 5)


class TestTheCode:
    @pytest.fixture
    def code(self) -> str:
        post("register", NEW)
        return code_in(mail.outbox.pop())

    def prove(self, code: str, email: str = "zoe@example.com") -> HttpResponse:
        return verify(code, email)

    def is_proven(self) -> bool:
        return EmailAddress.objects.get(email="zoe@example.com").verified

    def test_is_taken_in_any_case_and_without_its_dash(self, code):
        assert self.prove(f" {code.lower().replace('-', ' ')} ", "ZOE@example.com").status_code == 204
        assert self.is_proven()

    def test_proves_nothing_without_the_password_and_that_is_a_try_too(self, code):
        for _try in range(5):
            assert code_of(verify(code, password="wrong")) == (422, "code_wrong")
        assert code_of(verify(code)) == (422, "code_wrong")
        assert not self.is_proven()

    def test_costs_one_password_whoever_it_is(self, code, settings):
        settings.PASSWORD_HASHERS = ["accounts.tests.test_sign_up.CountingHasher"]
        person = User.objects.get()
        person.set_password(NEW["password"])
        person.save()
        for email in ("nobody@example.com", "zoe@example.com"):
            CountingHasher.hashed.clear()
            assert code_of(verify("BBBB-BBBB", email)) == (422, "code_wrong")
            assert (email, CountingHasher.hashed) == (email, [NEW["password"]])

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("email", ["zoe@example.com", "nobody@example.com"])
    def test_hashes_no_password_while_the_others_wait_for_it(self, code, settings, monkeypatch, no_worker, email):
        settings.PASSWORD_HASHERS = ["accounts.tests.test_sign_up.CountingHasher"]
        holds, encode = [], CountingHasher.encode

        def noting(self: CountingHasher, password: str, salt: str) -> str:
            holds.append(connection.in_atomic_block)
            return encode(self, password, salt)

        monkeypatch.setattr(CountingHasher, "encode", noting)
        assert code_of(verify("BBBB-BBBB", email)) == (422, "code_wrong")
        assert holds
        assert not any(holds)

    @pytest.mark.postgres
    @pytest.mark.django_db(transaction=True)
    def test_proves_the_password_it_was_given_with_while_somebody_registers_another(self, code, monkeypatch, no_worker):
        prove, proving = registration._prove, threading.Event()

        def slowly(user: User, address: EmailAddress) -> bool:
            proving.set()
            time.sleep(0.5)
            return prove(user, address)

        def mallory() -> None:
            try:
                proving.wait(10)
                register(email="zoe@example.com", password="the password of mallory", full_name="Mallory")
            finally:
                connections.close_all()

        monkeypatch.setattr(registration, "_prove", slowly)
        thread = threading.Thread(target=mallory)
        thread.start()
        prove_email(email="zoe@example.com", code=code, password=NEW["password"])
        thread.join()
        person = User.objects.get()
        assert (person.full_name, person.check_password(NEW["password"])) == ("Zoë Østergård", True)
        assert EmailAddress.objects.get().verified is True
        assert "already" in mail.outbox[-1].subject

    def test_ends_what_came_in_before_it(self, code):
        """Nobody signs in before it; the token of an outside front end may still have made a key."""
        person, now = User.objects.get(), timezone.now()
        key, plain = make_key(actor=person, name="Bot", scopes=["read"], password=None)
        AuthSession.objects.create(
            user=person, created_at=now, last_used_at=now, expires_at=now + timedelta(days=1), stamp=stamp_of(person)
        )
        assert self.prove(code).status_code == 204
        assert (find_key(plain), list_auth_sessions(person).count()) == (None, 0)
        key.refresh_from_db()
        assert key.revoked_at is not None

    def test_works_once(self, code):
        assert self.prove(code).status_code == 204
        assert code_of(self.prove(code)) == (422, "code_wrong")
        assert EmailCode.objects.count() == 0

    def test_is_tried_five_times_and_then_void(self, code):
        for _try in range(5):
            assert code_of(self.prove("BBBB-BBBB")) == (422, "code_wrong")
        assert code_of(self.prove(code)) == (422, "code_wrong")
        assert not self.is_proven()

    def test_lasts_a_quarter_of_an_hour(self, code):
        with time_machine.travel(timezone.now() + timedelta(minutes=15), tick=False):
            assert code_of(self.prove(code)) == (422, "code_wrong")
        assert not self.is_proven()
        with time_machine.travel(timezone.now() + timedelta(minutes=14), tick=False):
            assert self.prove(code).status_code == 204

    def test_is_void_when_a_new_one_is_sent_which_may_be_tried_five_times(self, code):
        for _try in range(5):
            self.prove("BBBB-BBBB")
        assert post("verify/resend", {"email": "Zoe@example.com"}).json() == SENT
        newer = code_in(mail.outbox[0])
        assert code_of(self.prove(code)) == (422, "code_wrong")
        assert self.prove(newer).status_code == 204

    def test_of_somebody_else_proves_nothing(self, code):
        post("register", {**NEW, "email": "other@example.com"})
        other = code_in(mail.outbox[0])
        assert code_of(self.prove(other)) == (422, "code_wrong")
        assert not self.is_proven()

    def test_refusals_sound_the_same(self, code):
        UserFactory(email="known@example.com")
        answers = [
            self.prove("BBBB-BBBB"),
            self.prove(code, "known@example.com"),
            self.prove(code, "nobody@example.com"),
            self.prove("", "zoe@example.com"),
            self.prove("é", "zoe@example.com"),
            verify(code, password="wrong"),
        ]
        assert len({(answer.status_code, answer.content) for answer in answers}) == 1
        assert list(answers[0].json()["fields"]) == ["code"]

    def test_stands_nowhere_in_the_database(self, code):
        row = EmailCode.objects.get()
        assert re.fullmatch("[0-9a-f]{64}", row.digest)
        assert code.replace("-", "").lower() not in str(vars(row)).lower()

    def test_of_an_address_that_somebody_else_proved_meanwhile_is_refused(self, code):
        other = UserFactory(email="other@example.com")
        EmailAddress.objects.create(user=other, email="zoe@example.com", verified=True)
        assert code_of(self.prove(code)) == (422, "code_wrong")
        assert EmailAddress.objects.filter(email="zoe@example.com", verified=True).get().user == other

    def test_goes_with_the_sweep_after_a_day(self, code):
        now = timezone.now()
        assert discard_old_access(now=now + timedelta(hours=23)) == 0
        assert discard_old_access(now=now + timedelta(hours=25)) == 1
        assert EmailCode.objects.count() == 0

    @pytest.mark.django_db(transaction=True)
    def test_inside_another_transaction_is_a_fault_of_ours(self):
        with pytest.raises(RuntimeError), transaction.atomic():
            prove_email(email="zoe@example.com", code="x", password="x")

    @pytest.mark.parametrize("email", ["known@example.com", "nobody@example.com", "closed@example.com"])
    def test_is_not_made_for_who_has_nothing_to_prove(self, email):
        UserFactory(email="known@example.com")
        closed = UserFactory(email="closed@example.com")
        EmailAddress.objects.filter(user=closed).update(verified=False)
        deactivate_account(actor=closed, user=closed)
        answer = post("verify/resend", {"email": email})
        assert (answer.status_code, answer.json()) == (202, SENT)
        assert EmailCode.objects.count() == 0
        (message,) = mail.outbox
        assert (message.to, message.subject) == ([email], "No code for Handsel is needed")


# --- Signing in -----------------------------------------------------------------------------------------------------
class TestTokens:
    def test_open_the_api(self, buyer: User):
        answer = post("token", credentials(buyer), headers={"user-agent": "Phone/1"}, REMOTE_ADDR="203.0.113.7")
        said = answer.json()
        assert (answer.status_code, said["expires_in"], said["token_type"]) == (200, 900, "Bearer")
        assert me(said["access"]).json()["id"] == str(buyer.pk)
        session = AuthSession.objects.get()
        assert (session.user, session.user_agent, session.ip) == (buyer, "Phone/1", "203.0.113.7")

    def test_are_refused_with_401_in_one_sentence(self, buyer: User, stranger: User):
        deactivate_account(actor=stranger, user=stranger)
        answers = [
            post("token", credentials(buyer, password="wrong")),
            post("token", credentials(buyer, email="nobody@example.com")),
            post("token", credentials(stranger)),
        ]
        assert {code_of(answer) for answer in answers} == {(401, "sign_in_failed")}
        assert len({answer.content for answer in answers}) == 1
        assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="api"'}
        assert AuthSession.objects.count() == 0

    def test_ask_for_the_second_factor(self, buyer: User):
        secret = generate_totp_secret()
        TOTP.activate(buyer, secret)
        assert code_of(post("token", credentials(buyer))) == (401, "otp_required")
        assert code_of(post("token", credentials(buyer, otp="000000"))) == (401, "otp_wrong")
        assert code_of(post("token", credentials(buyer, password="wrong", otp=code_now(secret)))) == (401, "sign_in_failed")
        assert post("token", credentials(buyer, otp=code_now(secret))).status_code == 200

    def test_need_no_csrf_and_look_at_nothing_else_that_is_shown(self, buyer: User, stranger: User):
        client = Client(enforce_csrf_checks=True)
        client.force_login(stranger)
        answer = post("token", credentials(buyer), client, headers={"authorization": "Bearer x"})
        assert me(answer.json()["access"]).json()["id"] == str(buyer.pk)

    def test_are_renewed_and_revoked(self, buyer: User):
        first = post("token", credentials(buyer)).json()
        second = post("refresh", {"refresh": first["refresh"]}).json()
        assert set(second) == {"access", "refresh", "expires_in", "token_type"}
        assert me(second["access"]).status_code == 200
        assert post("revoke", {"refresh": second["refresh"]}).status_code == 204
        assert code_of(me(second["access"])) == (401, "not_signed_in")
        assert code_of(post("refresh", {"refresh": second["refresh"]})) == (401, "invalid_refresh_token")
        assert post("revoke", {"refresh": "nonsense"}).status_code == 204

    def test_used_twice_end_the_sign_in_although_that_is_refused(self, buyer: User):
        first = post("token", credentials(buyer)).json()
        second = post("refresh", {"refresh": first["refresh"]}).json()
        with time_machine.travel(timezone.now() + timedelta(seconds=11)):
            again = post("refresh", {"refresh": first["refresh"]}, headers={"idempotency-key": "k"})
            assert code_of(again) == (401, "invalid_refresh_token")
            assert code_of(me(second["access"])) == (401, "not_signed_in")
        assert AuthSession.objects.get().end_reason == "reused"

    def test_end_with_the_session(self, buyer: User):
        access = post("token", credentials(buyer)).json()["access"]
        revoke_session(actor=buyer, session_id=AuthSession.objects.get().pk)
        answer = me(access)
        assert (code_of(answer), answer["WWW-Authenticate"]) == ((401, "not_signed_in"), 'Bearer realm="api"')

    def test_leave_the_sign_in_page_alone(self, buyer: User, client: Client):
        """allauth would take a closed account that it found a moment ago for the next one who mistypes a password."""
        closed = UserFactory(email="closed@example.com")
        deactivate_account(actor=closed, user=closed)
        post("token", credentials(closed))
        answer = sign_in_by_form(client, buyer, password="wrong")
        assert answer.status_code == 200


# --- How often ------------------------------------------------------------------------------------------------------
class TestLimits:
    def ask(self, number: int, path: str = "token", **said) -> int:
        said = {"email": "amara@example.com", "password": "wrong", **said}
        where = {"REMOTE_ADDR": f"203.0.113.{number}"}
        return Client().post(f"/api/auth/{path}", said, content_type="application/json", **where).status_code

    def test_five_a_minute_from_one_address_whoever_they_try(self, buyer: User):
        tried = [self.ask(1, email=f"person{number}@example.com") for number in range(6)]
        assert tried == [401] * 5 + [429]
        assert self.ask(2, password=PASSWORD) == 200

    def test_five_a_minute_at_one_account_from_wherever(self, buyer: User):
        tried = [self.ask(number, email=email) for number, email in enumerate(["amara@example.com", "AMARA@example.com"] * 3)]
        assert tried == [401] * 5 + [429]
        assert self.ask(9, password=PASSWORD) == 429
        assert self.ask(10, email="nobody@example.com") == 401
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            assert self.ask(9, password=PASSWORD) == 200

    def test_say_when_to_come_back(self, buyer: User):
        with time_machine.travel("2026-03-01T12:00:20Z", tick=False):
            for _time in range(6):
                answer = Client().post("/api/auth/token", credentials(buyer, password="wrong"), content_type="application/json")
        assert (code_of(answer), answer["Retry-After"]) == ((429, "too_many_requests"), "40")

    def test_codes_count_too(self):
        assert [self.ask(number, "verify/resend", email="a@example.com") for number in range(6)] == [422] * 6
        tried = [
            Client().post(
                "/api/auth/verify",
                {"email": "a@example.com", "code": "x", "password": "x"},
                content_type="application/json",
                REMOTE_ADDR=f"203.0.113.{number}",
            )
            for number in range(6)
        ]
        assert [answer.status_code for answer in tried] == [422] * 5 + [429]

    def test_nobody_locks_somebody_out_of_signing_in_by_asking_for_codes(self, buyer: User):
        for number in range(6):
            where = {"REMOTE_ADDR": f"203.0.113.{number}"}
            for path, said in (("verify", {"code": "x", "password": "x"}), ("verify/resend", {}), ("register", NEW)):
                said = {**said, "email": buyer.email}
                Client().post(f"/api/auth/{path}", said, content_type="application/json", **where)
        assert self.ask(9, password=PASSWORD) == 200

    def test_twenty_wrong_ones_in_an_hour_and_fifty_in_a_day(self, buyer: User):
        start, tried = datetime(2026, 3, 1, tzinfo=UTC), []
        for hour in range(4):
            for number in range(22):
                with time_machine.travel(start + timedelta(hours=hour, minutes=number), tick=False):
                    tried.append(self.ask(number, email=("amara" if number % 2 else "AMARA") + "@example.com"))
        assert tried == [*([401] * 20 + [429] * 2) * 2, *[401] * 10, *[429] * 12, *[429] * 22]
        with time_machine.travel(start + timedelta(hours=5), tick=False):
            answer = Client().post("/api/auth/token", credentials(buyer), content_type="application/json")
            assert (code_of(answer), answer["Retry-After"]) == ((429, "too_many_requests"), str(19 * 3600))
            assert self.ask(7, email="nobody@example.com") == 401
        with time_machine.travel(start + timedelta(days=1), tick=False):
            assert self.ask(7, password=PASSWORD) == 200

    def test_wrong_codes_of_the_second_factor_count_as_wrong(self, buyer: User):
        secret = generate_totp_secret()
        TOTP.activate(buyer, secret)
        start = datetime(2026, 3, 1, tzinfo=UTC)
        for number in range(20):
            with time_machine.travel(start + timedelta(minutes=number), tick=False):
                assert self.ask(number, password=PASSWORD, otp="000000") == 401
        with time_machine.travel(start + timedelta(minutes=30), tick=False):
            assert self.ask(9, password=PASSWORD, otp=code_now(secret)) == 429
        with time_machine.travel(start + timedelta(minutes=60), tick=False):
            assert self.ask(9, password=PASSWORD, otp=code_now(secret)) == 200

    def test_many_wrong_codes_are_told_to_whose_password_it_is_once_an_hour(self, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        start = datetime(2026, 3, 1, tzinfo=UTC)
        heard = []
        for number in range(14):
            with time_machine.travel(start + timedelta(minutes=number * 5), tick=False):
                assert self.ask(number, password=PASSWORD, otp="000000") == 401
                heard.append(Notification.objects.filter(user=buyer, kind="messaging.codes_wrong").count())
        assert heard == [0, 0, 0, 0] + [1] * 10  # the hour of the clock has begun anew, and with it the count
        with time_machine.travel(start + timedelta(minutes=80), tick=False):
            for number in range(3):
                self.ask(number, password=PASSWORD, otp="000000")
        told, again = Notification.objects.filter(kind="messaging.codes_wrong").order_by("pk")
        assert again.created_at - told.created_at >= timedelta(hours=1)
        assert (told.severity, told.url) == ("problem", "/accounts/password/change/")
        assert "your password" in told.body
        assert "000000" not in told.body

    def test_wrong_passwords_tell_nobody_of_wrong_codes(self, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        start = datetime(2026, 3, 1, tzinfo=UTC)
        for number in range(10):
            with time_machine.travel(start + timedelta(minutes=number), tick=False):
                assert self.ask(number, password="wrong", otp="000000") == 401
        assert Notification.objects.count() == 0

    def test_right_ones_and_asking_for_the_code_are_not_wrong(self, buyer: User):
        start = datetime(2026, 3, 1, tzinfo=UTC)
        for number in range(25):
            with time_machine.travel(start + timedelta(minutes=number), tick=False):
                assert self.ask(1, password=PASSWORD) == 200
        TOTP.activate(buyer, generate_totp_secret())
        for number in range(25, 50):
            with time_machine.travel(start + timedelta(minutes=number), tick=False):
                assert self.ask(1, password=PASSWORD) == 401
        with time_machine.travel(start + timedelta(minutes=50), tick=False):
            assert code_of(post("token", credentials(buyer))) == (401, "otp_required")

    def test_an_address_of_version_six_counts_by_its_net(self, buyer: User):
        def ask(address: str, number: int) -> int:
            said = {"email": f"person{number}@example.com", "password": "wrong"}
            return Client().post("/api/auth/token", said, content_type="application/json", REMOTE_ADDR=address).status_code

        tried = [ask(f"2001:db8:1:2:{number}::{number}", number) for number in range(6)]
        assert tried == [401] * 5 + [429]
        assert ask("2001:db8:1:3::1", 7) == 401

    def test_a_front_end_of_many_people_renews_their_tokens_from_one_address(self, buyer: User):
        tokens = post("token", credentials(buyer)).json()
        for _time in range(20):
            answer = Client().post("/api/auth/refresh", {"refresh": tokens["refresh"]}, content_type="application/json")
            tokens = answer.json()
        assert answer.status_code == 200
