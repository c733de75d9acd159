"""Programs sign in with what their person would type, stay signed in by tokens that change, and go when the person says so."""

import threading
from datetime import timedelta

import pytest
import time_machine
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.http import Http404
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.exceptions import EmailUnverified, InvalidRefreshToken, OtpRequired, OtpWrong, SignInFailed
from accounts.models import ApiKey, AuthSession, KeptAnswer, RefreshToken, User
from accounts.selectors import list_auth_sessions
from accounts.selectors.access import digest_of
from accounts.services import access as service
from accounts.services import (
    deactivate_account,
    discard_old_access,
    end_sessions,
    make_key,
    refresh,
    remove_second_factors,
    revoke,
    revoke_session,
    sign_in,
)
from accounts.tests.factories import an_administrator
from accounts.tests.test_sign_in import PASSWORD, code_now
from accounts.tests.virtual_key import register_key
from accounts.tokens import InvalidToken, verify, verify_jwt
from marketplace.realtime import RECHECK, group_of
from marketplace.sockets import in_thread
from messaging.models import Notification, OutgoingMail
from messaging.tests.devices import Device, in_a_loop

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    """An instant that stands still until the test moves it."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def pushed(monkeypatch) -> list[tuple[str, str]]:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr("accounts.services.access.publish", lambda group, event: sent.append((group, event["type"])))
    return sent


@pytest.fixture
def totp(buyer: User) -> str:
    """The secret of the buyer's authenticator app."""
    cache.clear()
    secret = generate_totp_secret()
    TOTP.activate(buyer, secret)
    return secret


def enter(user: User, **more):
    return sign_in(**{"email": user.email, "password": PASSWORD, "user_agent": "Phone/1", "ip": "203.0.113.7", **more})


def is_refused(token: str) -> bool:
    try:
        refresh(token=token)
    except InvalidRefreshToken:
        return True
    return False


def is_over(tokens) -> bool:
    """Neither of its tokens opens anything any more."""
    try:
        verify_jwt(tokens.access)
    except InvalidToken:
        return is_refused(tokens.refresh)
    return False


# --- Signing in -----------------------------------------------------------------------------------------------------
class TestSigningIn:
    def test_gives_an_access_token_of_its_session_and_a_refresh_token(self, buyer: User):
        tokens = enter(buyer)
        verified = verify(tokens.access)
        assert (verified.user, verified.session_id) == (buyer, tokens.session.pk)
        assert tokens.expires_in == 900
        session = AuthSession.objects.get()
        assert (session.user, session.user_agent, session.ip) == (buyer, "Phone/1", "203.0.113.7")
        assert (session.revoked_at, session.end_reason) == (None, "")

    def test_counts_as_the_last_sign_in(self, buyer: User, now):
        enter(buyer)
        assert User.objects.get(pk=buyer.pk).last_login == timezone.now()

    def test_takes_the_address_in_any_case(self, buyer: User):
        assert verify_jwt(enter(buyer, email="AMARA@Example.com").access) == buyer

    def test_says_the_same_of_unknown_addresses_wrong_passwords_and_closed_accounts(self, buyer: User, stranger: User):
        deactivate_account(actor=stranger, user=stranger)
        sounds = set()
        for email, password in [
            ("nobody@example.com", PASSWORD),
            (buyer.email, "wrong"),
            (buyer.email, ""),
            ("", PASSWORD),
            (stranger.email, PASSWORD),
            (stranger.email, "wrong"),
        ]:
            with pytest.raises(SignInFailed) as refusal:
                sign_in(email=email, password=password)
            sounds.add((refusal.value.message, refusal.value.code))
        assert {code for _message, code in sounds} == {"sign_in_failed"}
        assert len(sounds) == 1
        assert AuthSession.objects.count() == 0

    @pytest.mark.parametrize("email", ["amara@example.com", "nobody@example.com"])
    def test_hashes_one_password_whether_the_address_is_known_or_not(self, buyer: User, monkeypatch, email):
        hashed = []
        encode = MD5PasswordHasher.encode
        monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *told: hashed.append(told[1]) or encode(*told))
        with pytest.raises(SignInFailed):
            sign_in(email=email, password="wrong")
        assert hashed == ["wrong"]

    def test_of_a_closed_account_leaves_nobody_behind_for_the_next_sign_in_of_the_thread(self, stranger: User):
        deactivate_account(actor=stranger, user=stranger)
        with pytest.raises(SignInFailed):
            enter(stranger)
        assert AuthenticationBackend.unstash_authenticated_user() is None

    def test_needs_a_proven_address_and_says_so_with_the_right_password_alone(self, buyer: User):
        EmailAddress.objects.filter(user=buyer).update(verified=False)
        with pytest.raises(SignInFailed):
            enter(buyer, password="wrong")
        with pytest.raises(EmailUnverified) as refusal:
            enter(buyer)
        assert (refusal.value.code, AuthSession.objects.count()) == ("email_unverified", 0)

    def test_of_the_51st_program_ends_the_one_unused_longest(self, buyer: User, freelancer: User, now, monkeypatch):
        monkeypatch.setattr(service, "MOST_SESSIONS", 2)
        other = enter(freelancer)
        first = enter(buyer)
        now.shift(60)
        second = enter(buyer)
        now.shift(60)
        first = refresh(token=first.refresh)
        third = enter(buyer)
        assert [is_over(tokens) for tokens in (first, second, third, other)] == [False, True, False, False]
        assert AuthSession.objects.get(pk=second.session.pk).end_reason == "crowded_out"


class TestTheSecondFactor:
    def test_is_asked_for_after_the_password(self, buyer: User, totp: str):
        with pytest.raises(SignInFailed):
            enter(buyer, password="wrong")
        with pytest.raises(SignInFailed):
            enter(buyer, password="wrong", otp=code_now(totp))
        with pytest.raises(OtpRequired) as refusal:
            enter(buyer)
        assert (refusal.value.code, AuthSession.objects.count()) == ("otp_required", 0)

    def test_wrong_is_refused(self, buyer: User, totp: str):
        for otp in ("000000" if code_now(totp) != "000000" else "000001", "x", "é", "0" * 500):
            with pytest.raises(OtpWrong) as refusal:
                enter(buyer, otp=otp)
            assert refusal.value.code == "otp_wrong"
        assert AuthSession.objects.count() == 0

    def test_opens_once(self, buyer: User, totp: str, now):
        code = code_now(totp)
        assert verify_jwt(enter(buyer, otp=code).access) == buyer
        with pytest.raises(OtpWrong):
            enter(buyer, otp=code)
        now.shift(30)
        assert verify_jwt(enter(buyer, otp=code_now(totp)).access) == buyer

    def test_opens_once_also_where_the_cache_forgets(self, buyer: User, totp: str, now):
        code = code_now(totp)
        enter(buyer, otp=code)
        cache.clear()
        with pytest.raises(OtpWrong):
            enter(buyer, otp=code)
        assert AuthSession.objects.count() == 1

    def test_used_on_the_site_is_used(self, buyer: User, totp: str, client: Client, now):
        code = code_now(totp)
        client.post(reverse("account_login"), {"login": buyer.email, "password": PASSWORD})
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert client.session["_auth_user_id"] == str(buyer.pk)
        cache.clear()
        with pytest.raises(OtpWrong):
            enter(buyer, otp=code)

    def test_lost_is_replaced_by_a_recovery_code_which_is_used_up(self, buyer: User, totp: str):
        codes = RecoveryCodes.activate(buyer)
        code = codes.generate_codes()[3]
        assert verify_jwt(enter(buyer, otp=code).access) == buyer
        with pytest.raises(OtpWrong):
            enter(buyer, otp=code)
        assert len(Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()) == 9

    def test_that_is_a_passkey_alone_is_for_the_site_and_its_recovery_codes_for_programs(self, buyer: User):
        register_key(buyer)
        with pytest.raises(OtpRequired, match="passkey works on the site alone"):
            enter(buyer)
        with pytest.raises(OtpWrong):
            enter(buyer, otp="000000")
        code = RecoveryCodes.activate(buyer).generate_codes()[0]
        assert verify_jwt(enter(buyer, otp=code).access) == buyer


# --- Staying signed in ----------------------------------------------------------------------------------------------
class TestRefreshing:
    def test_gives_new_tokens_of_the_same_sign_in(self, buyer: User, now):
        first = enter(buyer)
        now.shift(600)
        second = refresh(token=first.refresh, user_agent="Phone/2", ip="198.51.100.4")
        assert second.refresh != first.refresh
        assert verify(second.access).session_id == first.session.pk
        session = AuthSession.objects.get()
        assert (session.user_agent, session.ip, session.last_used_at) == ("Phone/2", "198.51.100.4", timezone.now())
        assert verify_jwt(refresh(token=second.refresh).access) == buyer

    def test_again_within_ten_seconds_is_an_honest_retry(self, buyer: User, now):
        first = enter(buyer)
        lost = refresh(token=first.refresh)
        now.shift(10)
        second = refresh(token=first.refresh)
        assert {verify(tokens.access).session_id for tokens in (lost, second)} == {first.session.pk}
        now.shift(900)
        assert verify_jwt(refresh(token=second.refresh).access) == buyer
        assert Notification.objects.count() == 0

    def test_again_later_ends_the_whole_family_and_tells_the_person(self, buyer: User, now, pushed):
        first, other = enter(buyer), enter(buyer)
        second = refresh(token=first.refresh, user_agent="Phone/1", ip="203.0.113.7")
        third = refresh(token=second.refresh, user_agent="Phone/1", ip="203.0.113.7")
        now.shift(10.1)
        assert is_refused(first.refresh)
        assert is_over(third)
        assert not is_over(other)
        session = AuthSession.objects.get(pk=first.session.pk)
        assert (session.revoked_at, session.end_reason) == (timezone.now(), "reused")
        assert pushed == [(group_of(buyer.pk), RECHECK)]
        told = Notification.objects.get()
        assert (told.user, told.kind, told.severity) == (buyer, "messaging.token_reused", "problem")
        assert told.facts == [["Program", "Phone/1"], ["Address", "203.0.113.7"], ["Signed in", "Sun 1 Mar 2026, 12:00 UTC"]]
        assert OutgoingMail.objects.get().recipient == buyer.email

    def test_of_an_ended_family_tells_nobody_again(self, buyer: User, now):
        first = enter(buyer)
        refresh(token=first.refresh)
        now.shift(60)
        for _time in range(3):
            assert is_refused(first.refresh)
        assert Notification.objects.count() == 1

    def test_of_two_that_were_born_of_a_retry_keeps_one_alive(self, buyer: User, now):
        """Otherwise whoever stole a token within ten seconds of its use would have a chain of their own, unseen for 90 days."""
        first = enter(buyer)
        honest, stolen = refresh(token=first.refresh), refresh(token=first.refresh)
        now.shift(900)
        assert verify_jwt(refresh(token=honest.refresh).access) == buyer
        now.shift(60)
        assert is_refused(stolen.refresh)
        assert AuthSession.objects.get().end_reason == "reused"

    def test_lasts_thirty_days_without_use_and_ninety_with(self, buyer: User, now):
        tokens = enter(buyer)
        now.shift(timedelta(days=30, seconds=-1))
        tokens = refresh(token=tokens.refresh)
        now.shift(timedelta(days=30, seconds=-1))
        tokens = refresh(token=tokens.refresh)
        now.shift(timedelta(days=30, seconds=-1))
        tokens = refresh(token=tokens.refresh)
        assert AuthSession.objects.get().expires_at - AuthSession.objects.get().created_at == timedelta(days=90)
        assert not is_over(tokens)
        now.shift(timedelta(seconds=4))
        assert is_over(tokens)

    def test_after_thirty_days_and_no_more_is_refused(self, buyer: User, now):
        tokens = enter(buyer)
        now.shift(timedelta(days=30))
        assert is_over(tokens)

    def test_says_the_same_whatever_is_wrong(self, buyer: User, freelancer: User, now):
        used, signed_out, changed, closed = enter(buyer), enter(buyer), enter(freelancer), enter(buyer)
        refresh(token=used.refresh)
        revoke(token=signed_out.refresh)
        freelancer.set_password("plum orbit lantern")
        freelancer.save()
        now.shift(60)
        bad = [
            "",
            "x",
            "é\ud800".encode("utf-8", "replace").decode(),
            used.refresh,
            signed_out.refresh,
            changed.refresh,
            used.access,
        ]
        sounds = set()
        for token in bad:
            with pytest.raises(InvalidRefreshToken) as refusal:
                refresh(token=token)
            sounds.add((refusal.value.message, refusal.value.code))
        User.objects.filter(pk=buyer.pk).update(is_active=False)
        with pytest.raises(InvalidRefreshToken) as refusal:
            refresh(token=closed.refresh)
        sounds.add((refusal.value.message, refusal.value.code))
        assert {code for _message, code in sounds} == {"invalid_refresh_token"}
        assert len(sounds) == 1

    @pytest.mark.django_db(transaction=True)
    def test_inside_another_transaction_is_a_fault_of_ours(self, buyer: User, no_worker):
        tokens = enter(buyer)
        with pytest.raises(RuntimeError), transaction.atomic():
            refresh(token=tokens.refresh)
        assert not is_refused(tokens.refresh)

    def test_costs_the_same_however_many_programs_there_are(self, buyer: User, django_assert_num_queries):
        tokens = enter(buyer)
        for _program in range(30):
            enter(buyer)
        with django_assert_num_queries(1):
            verify(tokens.access)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_token_are_one_family_and_both_go_on(buyer: User):
    first = enter(buyer)
    barrier, answers = threading.Barrier(2), []

    def ask() -> None:
        barrier.wait()
        try:
            answers.append(refresh(token=first.refresh))
        except Exception as failure:  # noqa: BLE001
            answers.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _one in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [verify(tokens.access).session_id for tokens in answers] == [first.session.pk] * 2
    assert len({first.refresh, *(tokens.refresh for tokens in answers)}) == 3
    assert [verify(refresh(token=tokens.refresh).access).session_id for tokens in answers] == [first.session.pk] * 2
    assert (AuthSession.objects.count(), Notification.objects.count()) == (1, 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_thief_and_the_owner_at_once_leave_one_ended_family_and_one_notice(buyer: User):
    first = enter(buyer)
    refresh(token=first.refresh)
    RefreshToken.objects.filter(digest=digest_of(first.refresh)).update(used_at=timezone.now() - timedelta(minutes=1))
    barrier, refused = threading.Barrier(4), []

    def ask() -> None:
        barrier.wait()
        refused.append(is_refused(first.refresh))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _one in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert refused == [True] * 4
    assert (AuthSession.objects.get().end_reason, Notification.objects.count()) == ("reused", 1)


# --- What ends every sign-in ----------------------------------------------------------------------------------------
def by_set_password(user: User) -> None:
    user.set_password("plum orbit lantern")
    user.save()


def by_the_page(user: User) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    form = {"oldpassword": PASSWORD, "password1": "plum orbit lantern", "password2": "plum orbit lantern"}
    assert client.post(reverse("account_change_password"), form).status_code == 302


def by_an_administrator(user: User) -> None:
    client = Client()
    client.force_login(an_administrator())
    form = {"password1": "plum orbit lantern", "password2": "plum orbit lantern", "usable_password": "true"}
    answer = client.post(reverse("admin:auth_user_password_change", args=[user.pk]), form)
    assert answer.status_code == 302


def by_the_command(user: User) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("getpass.getpass", lambda **_prompt: "plum orbit lantern")
        call_command("changepassword", user.email, verbosity=0)


def by_a_new_app(user: User) -> None:
    TOTP.activate(user, generate_totp_secret())


def by_a_new_passkey(user: User) -> None:
    register_key(user)


def by_closing(user: User) -> None:
    deactivate_account(actor=user, user=user)


def by_closing_by_hand(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def by_the_service(user: User) -> None:
    end_sessions(user=user)


ENDS = [
    *(by_set_password, by_the_page, by_an_administrator, by_the_command),
    *(by_a_new_app, by_a_new_passkey, by_closing, by_closing_by_hand, by_the_service),
]


@pytest.mark.parametrize("end", ENDS, ids=[end.__name__ for end in ENDS])
def test_every_sign_in_of_the_person_ends(buyer: User, freelancer: User, end, django_capture_on_commit_callbacks):
    mine, mine_too, other = enter(buyer), enter(buyer), enter(freelancer)
    assert list_auth_sessions(buyer).count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        end(User.objects.get(pk=buyer.pk))
    assert [is_over(tokens) for tokens in (mine, mine_too, other)] == [True, True, False]
    assert list(list_auth_sessions(User.objects.get(pk=buyer.pk))) == []


def test_a_factor_that_goes_ends_them_too(buyer: User, totp: str):
    tokens = enter(buyer, otp=code_now(totp))
    remove_second_factors(actor=an_administrator(), user=buyer)
    assert is_over(tokens)


def test_a_factor_exchanged_for_another_ends_them_too(buyer: User, totp: str):
    tokens = enter(buyer, otp=code_now(totp))
    Authenticator.objects.filter(user=buyer).delete()
    TOTP.activate(buyer, totp)
    assert is_over(tokens)


def test_new_recovery_codes_end_none(buyer: User, totp: str):
    tokens = enter(buyer, otp=code_now(totp))
    RecoveryCodes.activate(buyer)
    assert not is_over(tokens)


def test_the_same_password_set_again_is_a_change(buyer: User):
    tokens = enter(buyer)
    buyer.set_password(PASSWORD)
    buyer.save()
    assert is_over(tokens)


def test_a_new_secret_of_the_site_ends_none_while_the_old_one_is_named(buyer: User, settings):
    settings.JWT_SECRETS = ["n" * 32]  # its own
    tokens = enter(buyer)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "another secret of fifty characters and some more 0123",
    )
    assert verify_jwt(tokens.access) == buyer
    tokens = refresh(token=tokens.refresh)
    assert list_auth_sessions(buyer).count() == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert is_over(tokens)


def test_the_last_change_of_a_password_is_noted(buyer: User, now):
    buyer.set_password("plum orbit lantern")
    buyer.save()
    assert User.objects.get(pk=buyer.pk).password_changed_at == timezone.now()
    now.shift(60)
    buyer.set_unusable_password()
    buyer.save()
    assert User.objects.get(pk=buyer.pk).password_changed_at == timezone.now()


# --- Signing out ----------------------------------------------------------------------------------------------------
class TestSigningOut:
    def test_ends_the_family_of_the_token_and_no_other(self, buyer: User, pushed):
        here, there = enter(buyer), enter(buyer)
        newer = refresh(token=here.refresh)
        revoke(token=newer.refresh)
        assert [is_over(tokens) for tokens in (newer, there)] == [True, False]
        assert AuthSession.objects.get(pk=here.session.pk).end_reason == "signed_out"
        assert pushed == [(group_of(buyer.pk), RECHECK)]

    def test_with_no_token_is_quiet(self, buyer: User, pushed):
        tokens = enter(buyer)
        revoke(token="nonsense")
        revoke(token=tokens.access)
        assert not is_over(tokens)
        assert pushed == []

    def test_twice_keeps_the_first_reason_and_time(self, buyer: User, now):
        tokens = enter(buyer)
        revoke(token=tokens.refresh)
        first = AuthSession.objects.get().revoked_at
        now.shift(60)
        revoke_session(actor=buyer, session_id=tokens.session.pk)
        end_sessions(user=buyer)
        session = AuthSession.objects.get()
        assert (session.revoked_at, session.end_reason) == (first, "signed_out")

    def test_from_the_list_ends_that_one(self, buyer: User, pushed):
        here, there = enter(buyer), enter(buyer)
        revoke_session(actor=buyer, session_id=there.session.pk)
        assert [is_over(tokens) for tokens in (here, there)] == [False, True]
        assert list(list_auth_sessions(buyer)) == [here.session]
        assert pushed == [(group_of(buyer.pk), RECHECK)]

    def test_somebody_else_is_404_and_they_stay(self, buyer: User, stranger: User):
        tokens = enter(buyer)
        with pytest.raises(Http404):
            revoke_session(actor=stranger, session_id=tokens.session.pk)
        assert not is_over(tokens)

    def test_everywhere_takes_the_programs_along(self, buyer: User, pushed):
        tokens = enter(buyer)
        end_sessions(user=buyer)
        assert is_over(tokens)
        assert AuthSession.objects.get().end_reason == "everywhere"
        assert set(pushed) == {(group_of(buyer.pk), RECHECK)}


# --- What is kept ---------------------------------------------------------------------------------------------------
def everything() -> str:
    """All rows of this app's tables as the database keeps them."""
    tables = [model._meta.db_table for model in (User, AuthSession, RefreshToken, ApiKey, KeptAnswer)]
    with connection.cursor() as cursor:
        for table in [*tables, "auditlog_logentry", "messaging_notification"]:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            tables.append(repr(cursor.fetchall()))
    return "\n".join(tables)


def test_no_token_and_no_key_stands_in_the_database(buyer: User):
    tokens = enter(buyer)
    newer = refresh(token=tokens.refresh)
    key, plain = make_key(actor=buyer, name="Bot", scopes=["read"], password=PASSWORD)
    table = everything()
    secrets = [tokens.refresh, newer.refresh, tokens.access, newer.access, plain, plain.removeprefix(f"{key.shown}_")]
    assert [secret for secret in secrets if secret in table] == []
    assert digest_of(newer.refresh) in table


def test_an_end_without_a_reason_is_refused_by_the_database(buyer: User):
    session = enter(buyer).session
    for wrong in ({"revoked_at": timezone.now()}, {"end_reason": "reused"}, {"expires_at": session.created_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AuthSession.objects.filter(pk=session.pk).update(**wrong)
    assert list(list_auth_sessions(buyer)) == [session]


class TestTheSweep:
    def test_deletes_what_ended_a_month_ago(self, buyer: User, now):
        over, signed_out, alive = enter(buyer), enter(buyer), enter(buyer)
        revoke(token=signed_out.refresh)
        for _month in range(2):
            now.shift(timedelta(days=25))
            alive = refresh(token=alive.refresh)
        now.shift(timedelta(days=9))
        assert discard_old_access(now=timezone.now()) == 3  # `signed_out`, its token, and the first one of `alive`
        assert set(AuthSession.objects.all()) == {over.session, alive.session}
        now.shift(timedelta(days=2))
        assert discard_old_access(now=timezone.now()) == 2
        assert list(AuthSession.objects.all()) == [alive.session]
        assert discard_old_access(now=timezone.now()) == 0
        assert not is_over(refresh(token=alive.refresh))

    def test_goes_on_until_nothing_is_left(self, buyer: User, now, monkeypatch):
        monkeypatch.setattr("accounts.services.old_access.BATCH", 2)
        for _program in range(5):
            enter(buyer)
        now.shift(timedelta(days=61))
        assert discard_old_access(now=timezone.now()) == 10
        assert (AuthSession.objects.count(), RefreshToken.objects.count()) == (0, 0)

    def test_is_a_command_and_a_task(self, buyer: User, now, capsys):
        enter(buyer)
        now.shift(timedelta(days=61))
        call_command("discard_old_access")
        assert capsys.readouterr().out == "2 discarded\n"


@in_a_loop
@pytest.mark.django_db(transaction=True)
async def test_a_socket_opened_by_a_token_closes_when_its_sign_in_ends(buyer: User):
    here, there = await in_thread(enter, buyer), await in_thread(enter, buyer)
    devices = [Device(buyer, [], ["chat.v1", f"jwt.{tokens.access}"]) for tokens in (here, there)]
    for device in devices:
        assert await device.connect() == (True, "chat.v1")
    await in_thread(revoke_session, actor=buyer, session_id=here.session.pk)
    assert await devices[0].is_closed_with() == 4401
    await devices[1].says("ping")
    await devices[1].hears("pong")
    await devices[1].disconnect()
