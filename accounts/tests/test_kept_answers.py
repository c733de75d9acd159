"""A write sent twice with one Idempotency-Key is done once, and answered the same."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from accounts.exceptions import KeyInUse, KeyUsedOtherwise
from accounts.models import KeptAnswer, User
from accounts.services import discard_old_access, keep_answer, kept_answer, reserve_key, update_profile

pytestmark = pytest.mark.django_db

ONE, OTHER = "1" * 64, "2" * 64
SAID = {"status": 201, "content_type": "application/json", "body": '{"id": "ä"}'}


def write(user: User, key: str = "k", fingerprint: str = ONE, name: str = "Amara O.", **said) -> KeptAnswer | None:
    """A write as the API makes it: what was answered before, or None when it was done now."""
    with transaction.atomic():
        kept = reserve_key(user=user, key=key, fingerprint=fingerprint)
        if kept is None:
            update_profile(actor=user, full_name=name, handle=user.handle, bio="", time_zone="UTC")
            keep_answer(user=user, key=key, fingerprint=fingerprint, **{**SAID, **said})
        return kept


def test_the_first_is_done_and_the_second_is_answered(buyer: User):
    assert write(buyer) is None
    again = write(buyer, name="Somebody")
    assert (again.status, again.content_type, again.body) == (201, "application/json", '{"id": "ä"}')
    assert kept_answer(user=buyer, key="k", fingerprint=ONE) == again
    assert User.objects.get(pk=buyer.pk).full_name == "Amara O."


def test_another_request_with_the_key_is_refused_and_changes_nothing(buyer: User):
    write(buyer)
    with pytest.raises(KeyUsedOtherwise) as refusal:
        write(buyer, fingerprint=OTHER, name="Somebody")
    assert refusal.value.code == "idempotency_key_reused"
    with pytest.raises(KeyUsedOtherwise):
        kept_answer(user=buyer, key="k", fingerprint=OTHER)
    assert User.objects.get(pk=buyer.pk).full_name == "Amara O."
    assert KeptAnswer.objects.get().fingerprint == ONE


def test_a_key_is_its_persons_own(buyer: User, stranger: User):
    write(buyer)
    assert kept_answer(user=stranger, key="k", fingerprint=ONE) is None
    assert write(stranger, fingerprint=OTHER, name="Li") is None
    assert KeptAnswer.objects.count() == 2


def test_another_key_is_another_write(buyer: User):
    assert (write(buyer, "a"), write(buyer, "b"), write(buyer, "A")) == (None, None, None)


def test_what_fails_is_not_kept_and_may_be_tried_again(buyer: User):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        reserve_key(user=buyer, key="k", fingerprint=ONE)
        1 / 0  # noqa: B018
    assert KeptAnswer.objects.count() == 0
    assert write(buyer) is None


def test_after_a_day_the_key_is_free(buyer: User):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as now:
        write(buyer)
        now.shift(timedelta(hours=24, seconds=-1))
        assert write(buyer).status == 201
        now.shift(1)
        assert kept_answer(user=buyer, key="k", fingerprint=OTHER) is None
        assert write(buyer, fingerprint=OTHER, name="Amara P.", status=200) is None
        assert write(buyer, fingerprint=OTHER).status == 200
    assert KeptAnswer.objects.count() == 1


def test_the_sweep_takes_those_of_yesterday(buyer: User):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as now:
        write(buyer, "old")
        now.shift(timedelta(hours=1))
        write(buyer, "new")
        now.shift(timedelta(hours=23, seconds=1))
        assert discard_old_access(now=timezone.now()) == 1
    assert KeptAnswer.objects.get().key == "new"


def test_the_sweep_leaves_the_newest_of_each_person(buyer: User, stranger: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("accounts.services.old_access.MOST_ANSWERS", 2)
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as now:
        for key in "abcd":
            now.shift(1)
            write(buyer, key)
        write(stranger, name="Li")
        assert discard_old_access(now=timezone.now()) == 2
    assert set(KeptAnswer.objects.filter(user=buyer).values_list("key", flat=True)) == {"c", "d"}
    assert KeptAnswer.objects.filter(user=stranger).count() == 1


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_is_a_fault_of_ours(buyer: User):
    with pytest.raises(RuntimeError):
        reserve_key(user=buyer, key="k", fingerprint=ONE)
    assert KeptAnswer.objects.count() == 0


def test_an_answer_is_not_readable_in_the_database(buyer: User):
    write(buyer, body='{"account": "DE89370400440532013000"}')
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM accounts_keptanswer")
        assert "DE8937" not in str(cursor.fetchall())


def test_one_row_a_person_and_key(buyer: User):
    write(buyer)
    with pytest.raises(IntegrityError), transaction.atomic():
        KeptAnswer.objects.create(user=buyer, key="k", fingerprint=OTHER, created_at=timezone.now())


def test_a_status_is_one(buyer: User):
    with pytest.raises(IntegrityError), transaction.atomic():
        write(buyer, status=99)
    assert KeptAnswer.objects.count() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails", [False, True])
def test_the_second_of_two_at_once_is_refused_until_the_first_has_ended(buyer: User, stranger: User, fails: bool):
    has_reserved, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            assert reserve_key(user=buyer, key="k", fingerprint=ONE) is None
            has_reserved.set()
            may_end.wait(5)
            keep_answer(user=buyer, key="k", fingerprint=ONE, **SAID)
            transaction.set_rollback(fails)
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    has_reserved.wait(5)
    with pytest.raises(KeyInUse):
        write(buyer, name="Somebody")
    assert (write(buyer, "another"), write(stranger, name="Li")) == (None, None)
    may_end.set()
    thread.join()
    again = write(buyer, name="Somebody")
    assert again is None if fails else (again.status, again.body) == (201, SAID["body"])
    assert User.objects.get(pk=buyer.pk).full_name == ("Somebody" if fails else "Amara O.")
