"""API keys: made with the password, few, shown once, and revoked at once."""

import threading

import pytest
from auditlog.models import LogEntry
from django.db import IntegrityError, connections, transaction
from django.http import Http404

from accounts.exceptions import KeyRefused, TooManyKeys, WrongPassword
from accounts.models import ApiKey, User
from accounts.selectors import find_key, list_keys
from accounts.services import deactivate_account, make_key, reactivate_account, revoke_key
from accounts.tests.factories import an_administrator
from accounts.tests.test_sign_in import PASSWORD
from messaging.models import MailOptOut, Notification, OutgoingMail

pytestmark = pytest.mark.django_db


def a_key(user: User, name: str = "Bot", scopes=("read",)) -> tuple[ApiKey, str]:
    return make_key(actor=user, name=name, scopes=scopes, password=PASSWORD)


def test_a_key_finds_its_person_and_its_scopes(buyer: User):
    key, plain = a_key(buyer, "  My \n bot ", ["gigs", "read", "gigs"])
    assert plain.startswith(f"hsk_{key.prefix}_")
    assert len(plain) == 4 + 12 + 1 + 64
    found = find_key(plain)
    assert (found, found.user, found.name, found.scopes) == (key, buyer, "My bot", ["read", "gigs"])
    assert list(list_keys(buyer)) == [key]


def test_the_person_hears_of_it_by_mail_whatever_they_switched_off(buyer: User):
    MailOptOut.objects.create(user=buyer, kind="messaging.key_made")
    key, _plain = a_key(buyer)
    told = Notification.objects.get()
    assert (told.user, told.kind, told.severity) == (buyer, "messaging.key_made", "info")
    assert told.facts == [["Name", "Bot"], ["Begins with", key.shown], ["May", "read"]]
    assert OutgoingMail.objects.get().recipient == buyer.email


def test_the_password_is_asked_for(buyer: User):
    for wrong in ("wrong", "", "A long password"):
        with pytest.raises(WrongPassword):
            make_key(actor=buyer, name="Bot", scopes=["read"], password=wrong)
    assert (ApiKey.objects.count(), Notification.objects.count()) == (0, 0)


REFUSED = {
    "no name": ("", ["read"]),
    "a name of blanks": (" \t ", ["read"]),
    "a long name": ("x" * 61, ["read"]),
    "a name with a NUL": ("a\x00b", ["read"]),
    "a name that turns the line round": ("a\u202eb", ["read"]),
    "no scope": ("Bot", []),
    "a scope there is not": ("Bot", ["read", "admin"]),
    "a scope in capitals": ("Bot", ["READ"]),
}


@pytest.mark.parametrize(("name", "scopes"), REFUSED.values(), ids=REFUSED)
def test_a_key_without_a_name_or_a_right_is_none(buyer: User, name, scopes):
    with pytest.raises(KeyRefused):
        a_key(buyer, name, scopes)
    assert ApiKey.objects.count() == 0


def test_a_key_that_opens_nothing_is_refused_by_the_database_too(buyer: User):
    key, _plain = a_key(buyer)
    for wrong in ({"scopes": []}, {"name": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=key.pk).update(**wrong)
    assert ApiKey.objects.get().scopes == ["read"]


@pytest.mark.parametrize(("tier", "most"), [("free", 3), ("pro", 10), ("enterprise", 50)])
def test_a_tier_has_so_many(buyer: User, tier, most):
    User.objects.filter(pk=buyer.pk).update(tier=tier)
    keys = [a_key(buyer, f"Bot {number}")[0] for number in range(most)]
    with pytest.raises(TooManyKeys):
        a_key(buyer)
    revoke_key(actor=buyer, key_id=keys[0].pk)
    a_key(buyer)
    assert list_keys(buyer).count() == most


def test_a_page_that_is_loaded_again_makes_no_second_key(buyer: User, stranger: User):
    key, plain = a_key(buyer)
    with pytest.raises(KeyRefused):
        a_key(buyer, " Bot ", ["orders"])
    assert (list(list_keys(buyer)), find_key(plain)) == ([key], key)
    assert a_key(stranger)[0].name == "Bot"
    revoke_key(actor=buyer, key_id=key.pk)
    second, plain = a_key(buyer)
    assert (find_key(plain), list(list_keys(buyer))) == (second, [second])


def test_two_of_a_name_are_refused_by_the_database_too(buyer: User):
    a_key(buyer)
    other, _plain = a_key(buyer, "Other")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=other.pk).update(name="Bot")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_six_at_once_are_no_more_than_three(buyer: User, no_worker):
    barrier, made = threading.Barrier(6), []

    def make(number: int) -> None:
        barrier.wait()
        try:
            made.append(a_key(buyer, f"Bot {number}")[0].name[:3])
        except TooManyKeys as refusal:
            made.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=[number]) for number in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(made) == ["Bot"] * 3 + ["too_many_keys"] * 3


def test_a_revoked_key_opens_nothing(buyer: User):
    key, plain = a_key(buyer)
    revoke_key(actor=buyer, key_id=key.pk)
    revoked = ApiKey.objects.get().revoked_at
    assert (find_key(plain), list(list_keys(buyer))) == (None, [])
    revoke_key(actor=buyer, key_id=key.pk)
    assert ApiKey.objects.get().revoked_at == revoked is not None


def test_a_strangers_key_is_404_and_stays(buyer: User, stranger: User):
    key, plain = a_key(buyer)
    with pytest.raises(Http404):
        revoke_key(actor=stranger, key_id=key.pk)
    assert find_key(plain) == key


def test_a_closed_account_has_no_key_that_opens(buyer: User):
    _key, plain = a_key(buyer)
    deactivate_account(actor=buyer, user=buyer)
    assert find_key(plain) is None


def test_an_account_that_is_opened_again_has_none_of_its_keys(buyer: User):
    plain = [a_key(buyer, name)[1] for name in ("Bot", "Other")]
    deactivate_account(actor=buyer, user=buyer)
    reactivate_account(actor=an_administrator(), user=buyer)
    assert [find_key(key) for key in plain] == [None, None]
    assert list(list_keys(buyer)) == []
    assert ApiKey.objects.filter(revoked_at__isnull=False).count() == 2


def test_a_new_password_leaves_keys_alone(buyer: User):
    key, plain = a_key(buyer)
    buyer.set_password("plum orbit lantern")
    buyer.save()
    assert find_key(plain) == key


def test_only_the_whole_key_opens(buyer: User):
    key, plain = a_key(buyer)
    other = a_key(buyer, "Other")[1]
    wrong = [
        *("", "hsk_", key.shown, f"{key.shown}_", plain[:-1], f"{plain}0", f"{plain}\n", f" {plain}", plain.upper()),
        *(
            plain.replace("hsk_", "hsk-"),
            f"{key.shown}_{other[-64:]}",
            f"{key.shown}_{'0' * 64}",
            "hsk_\x00",
            "é" * 81,
            key.digest,
        ),
    ]
    assert [text for text in wrong if find_key(text)] == []


def test_one_question_finds_it_however_many_there_are(buyer: User, django_assert_num_queries):
    User.objects.filter(pk=buyer.pk).update(tier="enterprise")
    _key, plain = [a_key(buyer, f"Bot {number}") for number in range(30)][-1]
    with django_assert_num_queries(1):
        assert find_key(plain).user == buyer


def test_it_is_seen_to_come_and_go_in_the_log_without_its_digest(buyer: User):
    key, _plain = a_key(buyer)
    revoke_key(actor=buyer, key_id=key.pk)
    come, go = LogEntry.objects.get_for_object(key).order_by("pk")
    assert come.changes["prefix"] == [None, key.prefix]
    assert list(go.changes) == ["revoked_at"]
    assert key.digest not in str([come.changes, go.changes])
