import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_in import PASSWORD

LIST = reverse("admin:accounts_user_changelist")
ADD = reverse("admin:accounts_user_add")


def change_url(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


def fields_of(response) -> dict[str, object]:
    """What a browser would post back from the change form, untouched."""
    context = response.context["adminform"].form
    data = {name: context[name].value() for name in context.fields if name != "password"}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    for formset in response.context["inline_admin_formsets"]:
        form = formset.formset.management_form
        data |= {form.add_prefix(name): form[name].value() for name in form.fields}
    return data


@pytest.fixture
def boss(db: None) -> User:
    return UserFactory(email="boss@example.com", full_name="Boss", handle="the-boss", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


class TestEntering:
    def test_a_visitor_is_sent_to_the_sites_own_sign_in(self, client: Client, db: None):
        assert client.get("/admin/").url == "/admin/login/?next=/admin/"
        assert client.get("/admin/login/?next=/admin/").url == f"{reverse('account_login')}?next=%2Fadmin%2F"

    def test_the_password_form_of_django_is_not_there_to_post_to(self, client: Client, boss: User):
        response = client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
        assert (response.status_code, "_auth_user_id" in client.session) == (302, False)

    def test_people_who_are_no_staff_get_403(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.get("/admin/login/").status_code == 403
        assert client.get("/admin/", follow=True).status_code == 403

    def test_staff_come_in_and_go_on_to_the_page_asked_for_but_never_to_another_site(self, desk: Client):
        assert desk.get("/admin/").status_code == 200
        assert desk.get("/admin/login/?next=/admin/accounts/user/").url == "/admin/accounts/user/"
        assert desk.get("/admin/login/?next=https://evil.example/").url == "/admin/"

    def test_staff_without_a_second_factor_are_sent_to_set_one_up(self, desk: Client, boss: User, settings):
        settings.STAFF_SECOND_FACTOR_REQUIRED = True
        response = desk.get("/admin/", follow=True)
        assert response.redirect_chain[-1][0] == reverse("mfa_index")
        assert "Set up a second factor first" in response.content.decode()
        assert desk.get(LIST).status_code == 302

    def test_staff_with_a_second_factor_come_in(self, desk: Client, boss: User, settings):
        settings.STAFF_SECOND_FACTOR_REQUIRED = True
        TOTP.activate(boss, generate_totp_secret())
        assert desk.get(LIST).status_code == 200

    def test_the_password_is_changed_on_the_sites_own_page(self, desk: Client):
        assert desk.get("/admin/password_change/").url == reverse("account_change_password")


@pytest.mark.django_db
class TestPeople:
    def test_the_list_shows_whether_the_address_is_proven(self, desk: Client, buyer: User, stranger: User):
        EmailAddress.objects.filter(user=stranger).update(verified=False)
        proven = {person.email: person.email_verified for person in desk.get(LIST).context["cl"].result_list}
        assert proven == {"boss@example.com": True, "amara@example.com": True, "stranger@example.com": False}

    def test_the_list_is_searched_and_filtered(self, desk: Client, buyer: User, stranger: User):
        found = desk.get(LIST, {"q": "amara"}).context["cl"].result_list
        assert list(found) == [buyer]
        assert desk.get(LIST, {"is_staff__exact": "1"}).context["cl"].result_count == 1

    def test_the_list_costs_the_same_at_one_and_at_thirty_people(self, desk: Client, django_assert_max_num_queries):
        desk.get(LIST)
        with django_assert_max_num_queries(12) as few:
            desk.get(LIST)
        UserFactory.create_batch(30)
        with django_assert_max_num_queries(12) as many:
            desk.get(LIST)
        assert len(few) == len(many)

    def test_a_change_form_can_be_posted_back(self, desk: Client, buyer: User):
        page = desk.get(change_url(buyer))
        response = desk.post(change_url(buyer), {**fields_of(page), "full_name": "Amara New", "is_staff": "on"})
        assert response.url == LIST
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.is_staff, buyer.is_active, buyer.email) == ("Amara New", True, True, "amara@example.com")

    def test_a_tier_is_given_and_filtered_by(self, desk: Client, buyer: User, stranger: User):
        desk.post(change_url(buyer), {**fields_of(desk.get(change_url(buyer))), "tier": "pro"})
        assert User.objects.get(pk=buyer.pk).tier == User.Tier.PRO
        assert User.objects.get(pk=stranger.pk).tier == User.Tier.FREE
        assert list(desk.get(LIST, {"tier__exact": "pro"}).context["cl"].result_list) == [buyer]
        refused = desk.post(change_url(buyer), {**fields_of(desk.get(change_url(buyer))), "tier": "gold"})
        assert (refused.status_code, User.objects.get(pk=buyer.pk).tier) == (200, User.Tier.PRO)

    def test_the_password_hash_is_not_shown(self, desk: Client, buyer: User):
        assert buyer.password not in desk.get(change_url(buyer)).content.decode()

    def test_nobody_can_be_deleted(self, desk: Client, buyer: User):
        assert desk.get(reverse("admin:accounts_user_delete", args=[buyer.pk])).status_code == 403
        desk.post(LIST, {"action": "delete_selected", "_selected_action": [str(buyer.pk)], "post": "yes"})
        assert User.objects.filter(pk=buyer.pk).exists()
        assert "delete_selected" not in desk.get(LIST).content.decode()

    def test_closing_and_opening_go_through_the_services(self, desk: Client, buyer: User, django_capture_on_commit_callbacks):
        other = Client()
        other.post(reverse("account_login"), {"login": buyer.email, "password": PASSWORD})
        data = fields_of(desk.get(change_url(buyer)))
        del data["is_active"]
        with django_capture_on_commit_callbacks(execute=True):
            desk.post(change_url(buyer), data)
        assert User.objects.get(pk=buyer.pk).is_active is False
        assert other.get(reverse("accounts:settings")).status_code == 302
        desk.post(change_url(buyer), {**data, "is_active": "on"})
        assert User.objects.get(pk=buyer.pk).is_active is True

    @pytest.mark.parametrize("flag", ["is_active", "is_staff", "is_superuser"])
    def test_the_only_administrator_stays_one(self, desk: Client, boss: User, flag):
        data = fields_of(desk.get(change_url(boss)))
        del data[flag]
        response = desk.post(change_url(boss), data)
        assert "This is the only administrator." in response.content.decode()
        boss.refresh_from_db()
        assert (boss.is_active, boss.is_staff, boss.is_superuser) == (True, True, True)

    def test_a_new_person_gets_a_handle(self, desk: Client):
        data = {
            "email": "New@Example.com",
            "full_name": "New Person",
            "time_zone": "UTC",
            "usable_password": "true",
            "password1": "plum orbit lantern",
            "password2": "plum orbit lantern",
        }
        assert desk.get(ADD).status_code == 200
        response = desk.post(ADD, data)
        person = User.objects.get(email="new@example.com")
        assert (response.url, person.handle, person.check_password("plum orbit lantern")) == (
            change_url(person),
            "new-person",
            True,
        )
        again = desk.post(ADD, data)
        assert (again.status_code, User.objects.filter(handle__startswith="new-person").count()) == (200, 1)

    def test_the_handle_and_address_of_others_are_refused_with_words(self, desk: Client, buyer: User, stranger: User):
        data = fields_of(desk.get(change_url(buyer)))
        response = desk.post(change_url(buyer), {**data, "handle": "LI-WEI"})
        assert response.status_code == 200
        response = desk.post(change_url(buyer), {**data, "handle": "li-wei"})
        assert "This handle is taken." in response.content.decode()

    def test_a_handle_that_the_site_keeps_for_itself_is_given_here(self, desk: Client, buyer: User):
        desk.post(change_url(buyer), {**fields_of(desk.get(change_url(buyer))), "handle": "support"})
        buyer.refresh_from_db()
        assert buyer.handle == "support"

    def test_second_factors_are_shown_and_can_be_removed_for_somebody_locked_out(self, desk: Client, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        page = desk.get(change_url(buyer))
        assert "TOTP Authenticator" in page.content.decode()
        desk.post(change_url(buyer), fields_of(page))
        assert Authenticator.objects.filter(user=buyer).count() == 1
        desk.post(change_url(buyer), {**fields_of(page), "forget_factors": "on"})
        assert Authenticator.objects.filter(user=buyer).count() == 0

    def test_a_password_can_be_set_by_administrators(self, desk: Client, buyer: User):
        url = reverse("admin:auth_user_password_change", args=[buyer.pk])
        assert desk.get(url).status_code == 200
        data = {"password1": "plum orbit lantern", "password2": "plum orbit lantern", "usable_password": "true"}
        desk.post(url, {**data, "set-password": "1"})
        buyer.refresh_from_db()
        assert buyer.check_password("plum orbit lantern")


@pytest.mark.django_db
class TestStaffWhoAreNoAdministrators:
    @pytest.fixture
    def clerk(self, moderator: User) -> Client:
        moderator.user_permissions.add(*Permission.objects.filter(content_type__app_label="accounts"))
        client = Client()
        client.force_login(moderator)
        return client

    def test_cannot_give_rights_or_close_accounts(self, clerk: Client, buyer: User):
        page = clerk.get(change_url(buyer))
        assert "forget_factors" not in page.content.decode()
        data = fields_of(page)
        assert set(data) & {"is_active", "is_staff", "is_superuser", "groups", "user_permissions", "tier"} == set()
        TOTP.activate(buyer, generate_totp_secret())
        more = {"full_name": "Tidy Name", "is_staff": "on", "is_superuser": "on", "forget_factors": "on", "tier": "pro"}
        clerk.post(change_url(buyer), {**data, **more})
        buyer.refresh_from_db()
        assert Authenticator.objects.count() == 1
        assert (buyer.full_name, buyer.is_active, buyer.is_staff, buyer.is_superuser) == ("Tidy Name", True, False, False)
        assert buyer.tier == User.Tier.FREE

    def test_cannot_change_other_staff_or_set_passwords(self, clerk: Client, boss: User, buyer: User):
        assert clerk.post(change_url(boss), {"full_name": "x"}).status_code == 403
        url = reverse("admin:auth_user_password_change", args=[buyer.pk])
        assert clerk.post(url, {"password1": "x", "password2": "x"}).status_code == 403

    def test_without_the_permission_see_nothing(self, moderator: User):
        client = Client()
        client.force_login(moderator)
        assert client.get(LIST).status_code == 403


def test_sessions_addresses_and_second_factors_have_no_admin_of_their_own():
    managed = {model._meta.label for model in admin.site._registry}
    assert managed & {"account.EmailAddress", "mfa.Authenticator", "usersessions.UserSession"} == set()
    assert re.search("accounts.User", " ".join(managed))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["1" + "0" * 30, "9" * 5000, "²", "x", ""])
def test_a_senseless_kind_of_thing_shows_the_whole_log(sign_in, kind):
    admin = UserFactory(is_staff=True, is_superuser=True)
    assert sign_in(admin).get("/admin/auditlog/logentry/", {"kind": kind}).status_code == 200
