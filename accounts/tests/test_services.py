import threading

import pytest
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections

from accounts import services
from accounts.exceptions import CannotClose, EmailTaken, HandleReserved, HandleTaken, NameReserved, NotAllowed
from accounts.models import User, UserStats
from accounts.services import deactivate_account, people, reactivate_account, sign_up, update_profile
from accounts.tests.factories import UserFactory


@pytest.mark.django_db
class TestSignUp:
    def test_nobody_joins_under_the_name_of_the_site(self):
        with pytest.raises(NameReserved):
            sign_up(email="eva@example.com", password="plum orbit lantern", full_name="Admin")
        assert not User.objects.exists()

    def test_makes_a_person_with_counters_and_a_hashed_password(self):
        person = sign_up(email=" Eva@Example.com ", password="plum orbit lantern", full_name="Eva Ek", time_zone="Europe/Oslo")
        assert (person.email, person.handle, person.time_zone) == ("eva@example.com", "eva-ek", "Europe/Oslo")
        assert person.check_password("plum orbit lantern")
        assert UserStats.objects.get(user=person).orders_completed == 0

    def test_refuses_a_known_address_in_any_case(self):
        UserFactory(email="eva@example.com")
        with pytest.raises(EmailTaken):
            sign_up(email="EVA@example.com", password="x", full_name="Eva Ek")
        assert User.objects.count() == 1

    def test_a_handle_taken_in_other_letters_is_passed_over(self):
        User.objects.create_user(email="a@example.com", full_name="A", handle="Eva-Ek")
        assert sign_up(email="eva@example.com", password="x", full_name="Eva Ek").handle == "eva-ek-2"


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor == "sqlite", reason="needs several writers at once")
@pytest.mark.django_db(transaction=True)
def test_eight_people_of_one_name_at_once_all_get_a_handle():
    failures: list[Exception] = []

    def join(number: int) -> None:
        try:
            sign_up(email=f"eva{number}@example.com", password="x", full_name="Eva Ek")
        except Exception as failure:  # noqa: BLE001
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=join, args=[number]) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    assert User.objects.values("handle").distinct().count() == 8


@pytest.mark.django_db
class TestUpdateProfile:
    def test_writes_what_the_person_says(self, buyer: User):
        update_profile(actor=buyer, full_name="Amara O.", handle="Amara-O", bio="Maps.", time_zone="Africa/Lagos")
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.handle, buyer.bio, buyer.time_zone) == ("Amara O.", "amara-o", "Maps.", "Africa/Lagos")

    def test_refuses_a_handle_taken_meanwhile_and_writes_nothing(self, buyer: User, freelancer: User):
        with pytest.raises(HandleTaken):
            update_profile(actor=buyer, full_name="Other", handle=freelancer.handle.upper(), bio="", time_zone="UTC")
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.handle) == ("Amara Okafor", "amara")

    def test_refuses_a_name_of_the_site_and_writes_nothing(self, buyer: User):
        with pytest.raises(HandleReserved):
            update_profile(actor=buyer, full_name="Other", handle="Support-1")
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.handle) == ("Amara Okafor", "amara")

    def test_refuses_to_call_somebody_like_the_site(self, buyer: User):
        with pytest.raises(NameReserved):
            update_profile(actor=buyer, full_name="Handsel Support", bio="Pay here.")
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.bio) == ("Amara Okafor", "")

    def test_a_full_name_of_the_site_somebody_has_already_may_stay(self):
        person = UserFactory(full_name="Support")
        assert update_profile(actor=person, full_name="Support", bio="Ask me.").bio == "Ask me."

    def test_a_name_of_the_site_somebody_has_already_may_stay(self):
        person = UserFactory(handle="support")
        assert update_profile(actor=person, handle="Support", bio="Ask me.").bio == "Ask me."


@pytest.mark.django_db
class TestClosing:
    def test_switches_the_person_off_and_ends_the_sessions(self, buyer: User, django_capture_on_commit_callbacks):
        UserSession.objects.create(user=buyer, ip="127.0.0.1", session_key="abc")
        with django_capture_on_commit_callbacks(execute=True):
            deactivate_account(actor=buyer, user=buyer)
        buyer.refresh_from_db()
        assert (buyer.is_active, UserSession.objects.count()) == (False, 0)

    def test_is_refused_to_others(self, buyer: User, stranger: User, moderator: User):
        for actor in (stranger, moderator):
            with pytest.raises(NotAllowed):
                deactivate_account(actor=actor, user=buyer)
        buyer.refresh_from_db()
        assert buyer.is_active is True

    def test_is_refused_to_the_only_administrator(self):
        boss = UserFactory(is_staff=True, is_superuser=True)
        with pytest.raises(CannotClose):
            deactivate_account(actor=boss, user=boss)
        boss.refresh_from_db()
        assert boss.is_active is True

    def test_is_refused_while_another_app_has_something_against_it(self, buyer: User, monkeypatch):
        monkeypatch.setattr(people, "closing_checks", [lambda user: "", lambda user: "Finish your orders first."])
        with pytest.raises(CannotClose, match="Finish your orders first"):
            deactivate_account(actor=buyer, user=buyer)
        buyer.refresh_from_db()
        assert buyer.is_active is True

    def test_by_an_administrator_waits_for_nothing(self, buyer: User, monkeypatch):
        boss = UserFactory(is_staff=True, is_superuser=True)
        UserFactory(is_staff=True, is_superuser=True)
        monkeypatch.setattr(people, "closing_checks", [lambda user: "Finish your orders first."])
        deactivate_account(actor=boss, user=buyer)
        assert User.objects.get(pk=buyer.pk).is_active is False
        with pytest.raises(CannotClose, match="Finish your orders first"):
            deactivate_account(actor=boss, user=boss)
        assert User.objects.get(pk=boss.pk).is_active is True

    def test_twice_is_quiet(self, buyer: User):
        deactivate_account(actor=buyer, user=buyer)
        deactivate_account(actor=buyer, user=buyer)
        assert User.objects.get(pk=buyer.pk).is_active is False

    def test_an_administrator_may_close_and_open_again(self, buyer: User):
        boss = UserFactory(is_staff=True, is_superuser=True)
        deactivate_account(actor=boss, user=buyer)
        reactivate_account(actor=boss, user=buyer)
        assert User.objects.get(pk=buyer.pk).is_active is True
        with pytest.raises(NotAllowed):
            reactivate_account(actor=buyer, user=buyer)


@pytest.mark.django_db
def test_ratings_count_in_the_role_they_were_earned_in(buyer: User):
    services.record_rating(recipient=buyer, rating=4, as_freelancer=True)
    services.record_rating(recipient=buyer, rating=5, as_freelancer=True)
    services.record_rating(recipient=buyer, rating=1, as_freelancer=False)
    services.record_completed_order(freelancer=buyer)
    stats = UserStats.objects.get(user=buyer)
    assert (stats.rating, stats.rating_count, stats.client_rating, stats.orders_completed) == (4.5, 2, 1.0, 1)


@pytest.mark.django_db
def test_is_admin_follows_the_staff_flag_and_cannot_be_set(buyer: User, moderator: User):
    assert (buyer.is_admin, moderator.is_admin) == (False, True)
    with pytest.raises(AttributeError):
        buyer.is_admin = True  # type: ignore[misc]


@pytest.mark.django_db
def test_a_bad_time_zone_is_refused_by_the_model(buyer: User):
    buyer.time_zone = "Mars/Olympus"
    with pytest.raises(ValidationError):
        buyer.full_clean()


@pytest.mark.django_db
def test_a_picture_whose_person_cannot_be_saved_leaves_no_file():
    with pytest.raises(User.DoesNotExist):
        services.set_avatar(actor=User(), picture=ContentFile(b"picture", "nobody.webp"))
    assert not default_storage.exists("avatars/nobody.webp")
