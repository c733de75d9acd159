"""The audit log: who changed what, old and new, from where; what is masked; who may read it."""

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from asgiref.sync import async_to_sync
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey, User
from accounts.services import deactivate_account, reactivate_account, remove_second_factors, update_profile
from accounts.services import record_rating as rate_person
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_in import PASSWORD
from conftest import SignIn
from gigs.models import Category, Gig
from gigs.services import GigTerms, pause_gig, record_rating, update_gig
from gigs.tests.factories import CategoryFactory, GigFactory
from marketplace.audit import mask_account, mask_address, who_and_where
from marketplace.encryption import mask
from messaging.models import Block, MessageReport, Webhook
from messaging.services import block, decide, report, unblock
from messaging.services.webhooks import add_webhook, delete_webhook, switch_webhook
from messaging.tests.test_conversations import say
from orders.models import PaymentMethod, PayoutAccount
from orders.services.payments import confirm_payment
from orders.states import Status
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, order_in

pytestmark = pytest.mark.django_db

LIST = "/admin/auditlog/logentry/"
OLD_IBAN, NEW_IBAN = "DE89370400440532013000", "GB33BUKB20201555555555"
BROWSER = "Mozilla/5.0 (X11; Linux) Firefox/140"
# Columns of the tracked tables that no line is written for: clocks and counters that say nothing about a decision.
UNTRACKED = {"id", "created_at", "updated_at", "last_login", "last_used_at"}
LEFT_OUT = {
    "accounts.User.password_changed_at",  # the line about the password says it
    "accounts.ApiKey.digest",  # a secret's
    *(f"messaging.Webhook.{name}" for name in ("secret", "failing_since")),  # the worker notes failures, and the secret is one
    "orders.PayoutAccount.masked",  # follows from `account`
    *(f"messaging.MessageReport.{name}" for name in ("words", "note", "decided_at")),  # people's words; the line has its own time
}


def lines(thing: Any = None) -> list[LogEntry]:
    """The log about one thing, or all of it, oldest first."""
    entries = LogEntry.objects.get_for_object(thing) if thing else LogEntry.objects.all()
    return list(entries.order_by("pk"))


def raw_table() -> str:
    """Everything that stands in the log, as the database keeps it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM auditlog_logentry")
        rows = "\n".join(str(row) for row in cursor.fetchall())
    return rows.encode().decode("unicode_escape", errors="replace") + rows


def post_method(client: Client, method: PaymentMethod, **changes: Any) -> None:
    page = client.get(reverse("admin:orders_paymentmethod_change", args=[method.pk]))
    form = page.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    answer = client.post(reverse("admin:orders_paymentmethod_change", args=[method.pk]), {**data, **changes})
    assert answer.status_code == 302, answer.context["adminform"].form.errors


@pytest.fixture
def boss(db: None) -> User:
    return UserFactory(email="boss@example.com", full_name="Boss", handle="the-boss", is_staff=True, is_superuser=True)


@pytest.fixture
def auditor(stranger: User) -> User:
    """Staff who may read the log, and nothing else."""
    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.add(Permission.objects.get(content_type__app_label="auditlog", codename="view_logentry"))
    return stranger


def test_blocks_and_decisions_about_messages_are_written_without_anybodys_words(buyer: User, freelancer: User, moderator: User):
    block(actor=buyer, user=freelancer)
    unblock(actor=buyer, user=freelancer)
    of_blocks = [line.action for line in lines() if line.content_type.model == "block"]
    assert of_blocks == [LogEntry.Action.CREATE, LogEntry.Action.DELETE]
    moderator.user_permissions.add(Permission.objects.get(codename="moderate_messages"))
    row = report(actor=buyer, message_id=say(freelancer, buyer, "Meet me outside").pk, reason="abuse", note="He knows where.")
    why = "This is against the rules of the site."
    decide(actor=moderator, report_id=row.pk, decision="upheld", note=why)
    assert lines(row)[-1].changes == {
        "decision": ["", "upheld"],
        "decision_note": ["", why],
        "decided_by": [None, str(moderator.pk)],
    }
    assert "Meet me" not in raw_table()
    assert "He knows" not in raw_table()


class TestAChange:
    def test_of_the_account_money_goes_to_tells_who_what_and_from_where(self, moderator: User, sign_in: SignIn):
        method = PlatformMethodFactory(account_number=OLD_IBAN, instructions=f"Pay to {OLD_IBAN}.")
        client = sign_in(moderator)
        client.defaults |= {"HTTP_USER_AGENT": BROWSER, "REMOTE_ADDR": "203.0.113.7"}
        post_method(client, method, account_number=NEW_IBAN, routing="BUKBGB22")
        line = lines(method)[-1]
        assert (line.actor, line.actor_email, line.remote_addr) == (moderator, moderator.email, "203.0.113.7")
        assert line.additional_data == {"user_agent": BROWSER}
        assert line.action == LogEntry.Action.UPDATE
        assert line.changes == {
            "account_number": ["DE•• •••• 3000", "GB•• •••• 5555"],
            "routing": ["•••• FXXX", "•••• GB22"],
        }
        assert PaymentMethod.objects.get(pk=method.pk).account_number == NEW_IBAN

    def test_of_nothing_writes_nothing(self, moderator: User, sign_in: SignIn):
        method = PlatformMethodFactory()
        before = len(lines())
        post_method(sign_in(moderator), method)
        assert len(lines()) == before

    def test_that_is_rolled_back_leaves_no_line(self, moderator: User, sign_in: SignIn):
        method = PlatformMethodFactory()
        before = len(lines())
        answer = sign_in(moderator).post(
            reverse("admin:orders_paymentmethod_change", args=[method.pk]), {"account_number": "nonsense"}
        )
        assert (answer.status_code, len(lines())) == (200, before)

    def test_by_a_freelancer_of_their_own_account_is_written_too(self, freelancer: User, sign_in: SignIn):
        method = DirectMethodFactory(owner=freelancer)
        form = {"kind": "mobile", "currency": "KES", "label": "M-Pesa", "account_holder": "José Ñíguez", "pay_window_hours": "2"}
        client = sign_in(freelancer)
        client.post(reverse("account_reauthenticate"), {"password": "a long password"})
        client.post(
            reverse("orders:method_edit", args=[method.pk]),
            {**form, "account_number": "+254 799 000 111", "pay_window_hours": "2"},
        )
        line = lines(method)[-1]
        assert line.actor == freelancer
        assert line.changes["account_number"] == ["•••• 5678", "•••• 0111"]

    def test_without_a_request_is_the_sites_own(self):
        gig = GigFactory()
        assert {(line.actor, line.remote_addr, line.additional_data) for line in lines(gig)} == {(None, None, None)}

    def test_of_a_persons_rights_is_written_as_given_and_taken(self, boss: User, buyer: User, sign_in: SignIn):
        group = Group.objects.create(name="Payments desk")
        permission = Permission.objects.get(codename="verify_payment")
        page = reverse("admin:accounts_user_change", args=[buyer.pk])
        data = {"full_name": "Amara Okafor", "handle": "amara", "time_zone": "UTC", "is_active": "on", "tier": "pro"}
        client = sign_in(boss)
        client.post(page, {**data, "is_staff": "on", "groups": [group.pk], "user_permissions": [permission.pk]})
        client.post(page, data)
        changes = [(line.actor, line.changes) for line in lines(buyer)[1:]]
        assert changes == [
            (boss, {"tier": ["free", "pro"], "is_staff": [False, True]}),
            (boss, {"groups": {"type": "m2m", "operation": "add", "objects": ["Payments desk"]}}),
            (boss, {"user_permissions": {"type": "m2m", "operation": "add", "objects": [str(permission)]}}),
            (boss, {"is_staff": [True, False]}),
            (boss, {"groups": {"type": "m2m", "operation": "delete", "objects": ["Payments desk"]}}),
            (boss, {"user_permissions": {"type": "m2m", "operation": "delete", "objects": [str(permission)]}}),
        ]

    def test_of_what_a_group_may_do_is_written(self, boss: User, sign_in: SignIn):
        group = Group.objects.create(name="Payments desk")
        permission = Permission.objects.get(codename="verify_payment")
        sign_in(boss).post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "Desk", "permissions": [permission.pk]})
        assert [line.changes for line in lines(group)][1:] == [
            {"name": ["Payments desk", "Desk"]},
            {"permissions": {"type": "m2m", "operation": "add", "objects": [str(permission)]}},
        ]

    def test_of_a_fee_is_written(self, boss: User, sign_in: SignIn):
        category = CategoryFactory()
        form = {"name": category.name, "parent": category.parent_id, "position": "0", "escrow_fee_pct": "7.5"}
        sign_in(boss).post(reverse("admin:gigs_category_change", args=[category.pk]), form)
        assert (lines(category)[-1].actor, lines(category)[-1].changes) == (boss, {"escrow_fee_pct": [None, "7.5"]})

    def test_by_a_service_is_written(self, boss: User, buyer: User, freelancer: User):
        update_profile(actor=buyer, full_name="Amara O.", handle="amara", bio="", time_zone="UTC")
        deactivate_account(actor=buyer, user=buyer)
        reactivate_account(actor=boss, user=buyer)
        reactivate_account(actor=boss, user=buyer)
        assert [line.changes for line in lines(buyer)[1:]] == [
            {"full_name": ["Amara Okafor", "Amara O."]},
            {"is_active": [True, False]},
            {"is_active": [False, True]},
        ]
        gig = GigFactory(freelancer=freelancer)
        pause_gig(actor=freelancer, gig=gig)
        assert lines(gig)[-1].changes == {"is_active": [True, False]}

    def test_of_a_webhook_is_written(self, buyer: User):
        hook = add_webhook(actor=buyer, url="https://hooks.example.com/", hears=["order"])
        switch_webhook(actor=buyer, webhook_id=hook.pk, on=False)
        switch_webhook(actor=buyer, webhook_id=hook.pk, on=True)
        switched = [line.changes["disabled_at"] for line in lines(hook)[1:]]
        assert [[bool(old), bool(new)] for old, new in switched] == [[False, True], [True, False]]

    def test_of_a_gig_names_what_changed_and_nothing_else(self, freelancer: User):
        gig = GigFactory(freelancer=freelancer)
        terms = {name: getattr(gig, name) for name in GigTerms.__annotations__}
        update_gig(actor=freelancer, gig=gig, requirements=[], **{**terms, "price": Decimal("120.0")})
        assert len(lines(gig)) == 1
        update_gig(actor=freelancer, gig=gig, requirements=[], **{**terms, "title": "Another title", "price": Decimal("150.00")})
        changes = lines(gig)[-1].changes
        assert (set(changes), changes["title"][1], Decimal(changes["price"][1])) == ({"title", "price"}, "Another title", 150)

    def test_of_a_counter_or_a_sign_in_is_no_line(self, client: Client, buyer: User):
        gig = GigFactory()
        before = len(lines())
        record_rating(gig=gig, rating=5)
        rate_person(recipient=buyer, rating=5, as_freelancer=False)
        client.post(reverse("account_login"), {"login": buyer.email, "password": PASSWORD})
        assert "_auth_user_id" in client.session
        assert len(lines()) == before


class TestWhatIsPrivate:
    def test_never_stands_in_the_table(self, boss: User, buyer: User):
        method = PlatformMethodFactory(account_number=OLD_IBAN, routing="TOPSECRETROUTE", instructions=f"Pay to {OLD_IBAN}!")
        method.account_number = "+254 700 123 456"
        method.save()
        account = PayoutAccount.objects.create(
            owner=buyer,
            kind="bank",
            currency="EUR",
            holder="Amara Okafor",
            account=NEW_IBAN,
            masked=mask(NEW_IBAN),
            created_at="2026-01-01T00:00Z",
        )
        TOTP.activate(buyer, "ABCDEFGHIJKLMNOP")
        hashed = [buyer.password]
        buyer.set_password("plum orbit lantern")
        buyer.save()
        hashed.append(buyer.password)
        remove_second_factors(actor=boss, user=buyer)
        table = raw_table()
        secrets = [OLD_IBAN, NEW_IBAN, "+254 700 123 456", "700123456", "TOPSECRET", "ABCDEFGHIJKLMNOP", "plum orbit"]
        stored = Authenticator.objects.count(), PayoutAccount.objects.get().account
        assert stored == (0, NEW_IBAN)
        assert [secret for secret in [*secrets, *hashed, hashed[1][-12:]] if secret in table] == []
        assert not re.search(r"gAAAAA[\w-]+", table)
        assert lines(account)[0].changes["account"] == ["None", "GB•• •••• 5555"]
        assert "GB•• •••• 5555" in table

    def test_is_still_seen_to_change(self, buyer: User):
        buyer.set_password("plum orbit lantern")
        buyer.save()
        assert lines(buyer)[-1].changes == {"password": ["••••", "••••"]}

    def test_second_factors_are_seen_to_come_and_go(self, boss: User, buyer: User):
        TOTP.activate(buyer, "ABCDEFGHIJKLMNOP")
        remove_second_factors(actor=boss, user=buyer)
        about = LogEntry.objects.get_for_model(Authenticator).order_by("pk")
        assert [(line.action, line.changes["data"]) for line in about] == [
            (LogEntry.Action.CREATE, ["••••", "••••"]),
            (LogEntry.Action.DELETE, ["••••", "••••"]),
        ]

    def test_the_rest_of_a_webhooks_address(self, buyer: User):
        hook = add_webhook(actor=buyer, url="https://hooks.example.com:8443/T0K/in?token=s3cret", hears=["order"])
        delete_webhook(actor=buyer, webhook_id=hook.pk)
        entries = LogEntry.objects.get_for_model(Webhook).order_by("pk")
        assert [(line.object_repr, line.changes["url"]) for line in entries] == [
            ("hooks.example.com", ["None", "hooks.example.com"]),
            ("hooks.example.com", ["hooks.example.com", "None"]),
        ]
        assert not re.search("T0K|s3cret", raw_table())

    @pytest.mark.parametrize(("value", "shown"), [("None", "None"), ("", ""), (OLD_IBAN, "DE•• •••• 3000"), ("522522", "••••")])
    def test_that_there_was_nothing_stays_to_be_seen(self, value, shown):
        assert mask_account(value) == shown

    @pytest.mark.parametrize(
        ("value", "shown"), [("None", "None"), ("", ""), ("https://a.example:8443/b?c", "a.example"), ("token", "••••")]
    )
    def test_of_an_address_the_host_is_shown(self, value, shown):
        assert mask_address(value) == shown


class TestWhereFrom:
    @pytest.fixture
    def paused_from(self, freelancer: User, sign_in: SignIn):
        def pause(**headers: str) -> LogEntry:
            gig = GigFactory(freelancer=freelancer)
            client = sign_in(freelancer)
            client.post(reverse("gigs:pause", args=[gig.pk]), **headers)
            return lines(gig)[-1]

        return pause

    def test_a_forged_header_is_not_believed(self, paused_from):
        line = paused_from(REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR="10.0.0.1", HTTP_X_FORWARDED_PORT="1")
        assert (line.remote_addr, line.remote_port) == ("203.0.113.7", None)

    def test_behind_a_proxy_of_ours_its_last_word_counts(self, paused_from, settings):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        line = paused_from(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.1, 198.51.100.4")
        assert line.remote_addr == "198.51.100.4"

    def test_an_address_of_the_new_kind_is_kept(self, paused_from):
        assert paused_from(REMOTE_ADDR="2001:db8::7").remote_addr == "2001:db8::7"

    def test_a_correlation_header_is_not_kept(self, paused_from):
        assert paused_from(HTTP_X_CORRELATION_ID="x" * 2000).cid is None

    def test_a_browser_of_any_name_is_cut_and_kept(self, paused_from):
        assert paused_from(HTTP_USER_AGENT="Ünï\x00" * 200).additional_data == {"user_agent": ("Ünï" * 200)[:300]}
        assert paused_from().additional_data == {"user_agent": ""}

    def test_a_visitor_who_signs_up_is_nobody_at_an_address(self, client: Client):
        form = {"email": "new@example.com", "full_name": "New Person", "password1": "plum orbit lantern", "time_zone": "UTC"}
        client.post(reverse("account_signup"), form, REMOTE_ADDR="203.0.113.9")
        person = User.objects.get(email="new@example.com")
        assert [(line.actor, line.remote_addr) for line in lines(person)] == [(None, "203.0.113.9")]
        assert EmailAddress.objects.get().user == person

    def test_two_people_after_each_other_are_not_mixed_up(self, freelancer: User, buyer: User, sign_in: SignIn):
        first, second = sign_in(freelancer), sign_in(buyer)
        for person, client in ((freelancer, first), (buyer, second), (freelancer, first)):
            gig = GigFactory(freelancer=person)
            client.post(reverse("gigs:pause", args=[gig.pk]))
            assert lines(gig)[-1].actor == person
        assert lines(GigFactory())[-1].actor is None

    def test_a_page_for_everyone_still_reads_no_session(self, client: Client, django_assert_num_queries):
        gig = GigFactory()
        client.get(reverse("gig", args=[gig.pk]))
        assert client.get(reverse("gig", args=[gig.pk])).headers.get("Cache-Control") is None


class TestReading:
    def test_is_for_those_with_the_permission(
        self, auditor: User, moderator: User, freelancer: User, boss: User, sign_in: SignIn
    ):
        GigFactory(freelancer=freelancer)
        one = f"{LIST}{lines()[-1].pk}/change/"
        for reader in (auditor, boss):
            assert [sign_in(reader).get(page).status_code for page in (LIST, one)] == [200, 200]
        assert [sign_in(moderator).get(page).status_code for page in (LIST, one)] == [403, 403]
        assert [sign_in(freelancer).get(page, follow=True).status_code for page in (LIST, one)] == [403, 403]

    def test_nobody_writes_it(self, boss: User, sign_in: SignIn):
        GigFactory()
        line = lines()[-1]
        client = sign_in(boss)
        assert client.get(f"{LIST}add/").status_code == 403
        assert client.post(f"{LIST}{line.pk}/change/", {"object_repr": "x"}).status_code == 403
        assert client.post(f"{LIST}{line.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(LIST, {"action": "delete_selected", "_selected_action": [line.pk], "post": "yes"})
        assert LogEntry.objects.get(pk=line.pk).object_repr == line.object_repr

    def test_finds_the_thing_the_person_and_the_address(self, auditor: User, freelancer: User, sign_in: SignIn):
        gig = GigFactory(freelancer=freelancer, title="A very special gig")
        client = sign_in(freelancer)
        client.post(reverse("gigs:pause", args=[gig.pk]), REMOTE_ADDR="203.0.113.7")
        reader = sign_in(auditor)
        for words, number in (("very special", 2), (str(gig.pk), 2), ("jose@example.com", 2), ("203.0.113.7", 1), ("nothing", 0)):
            found = reader.get(LIST, {"q": words}).context["cl"].result_list
            assert len(found) == number, words
        of_gigs = ContentType.objects.get_for_model(Gig).pk
        assert {line.content_type_id for line in reader.get(LIST, {"kind": of_gigs}).context["cl"].result_list} == {of_gigs}
        assert reader.get(LIST, {"kind": "x"}).status_code == 200

    def test_shows_old_and_new_and_where_from(self, auditor: User, moderator: User, sign_in: SignIn):
        method = PlatformMethodFactory(label="Main account")
        client = sign_in(moderator)
        post_method(client, method, account_number=NEW_IBAN, HTTP_USER_AGENT=BROWSER)
        client.defaults["HTTP_USER_AGENT"] = BROWSER
        post_method(client, method, account_number=OLD_IBAN)
        page = sign_in(auditor).get(f"{LIST}{lines(method)[-1].pk}/change/").content.decode()
        assert "GB•• •••• 5555 → DE•• •••• 3000" in page
        assert BROWSER in page
        assert "Payment method: Main account" in page
        assert moderator.full_name in page

    def test_shows_what_people_typed_as_text(self, auditor: User, sign_in: SignIn):
        gig = GigFactory(title="<script>alert(1)</script>")
        reader = sign_in(auditor)
        pages = [reader.get(LIST), reader.get(f"{LIST}{lines(gig)[-1].pk}/change/")]
        assert all("<script>alert(1)" not in page.content.decode() for page in pages)

    def test_shows_rights_given_and_taken(self, auditor: User, buyer: User, sign_in: SignIn):
        buyer.groups.add(Group.objects.create(name="Payments desk"))
        page = sign_in(auditor).get(f"{LIST}{lines(buyer)[-1].pk}/change/").content.decode()
        assert "+ Payments desk" in page

    def test_costs_the_same_at_one_and_at_forty_lines(self, auditor: User, sign_in: SignIn, django_assert_max_num_queries):
        reader = sign_in(auditor)
        reader.get(LIST)
        with django_assert_max_num_queries(14) as few:
            reader.get(LIST)
        for person in UserFactory.create_batch(10):
            pause_gig(actor=person, gig=GigFactory(freelancer=person))
        LogEntry.objects.update(actor=auditor)
        with django_assert_max_num_queries(14) as many:
            reader.get(LIST)
        assert len(few) == len(many)


def test_every_column_of_a_tracked_table_is_tracked_or_left_out_on_purpose():
    forgotten = []
    for model in auditlog.get_models():
        chosen = set(auditlog.get_model_fields(model)["include_fields"])
        columns = {field.name for field in model._meta.concrete_fields}
        assert chosen <= columns
        forgotten += [f"{model._meta.label}.{name}" for name in sorted(columns - chosen - UNTRACKED)]
    assert set(forgotten) == LEFT_OUT, "name it in AUDITLOG_INCLUDE_TRACKING_MODELS, or here"


def test_the_tables_that_matter_are_tracked():
    wanted = {
        User,
        ApiKey,
        Gig,
        Category,
        PaymentMethod,
        PayoutAccount,
        Group,
        EmailAddress,
        Authenticator,
        MessageReport,
        Block,
        Webhook,
    }
    assert set(auditlog.get_models()) == wanted
    assert apps.is_installed("auditlog")


# --- What it costs --------------------------------------------------------------------------------------------------
def test_the_money_path_keeps_its_own_history_and_pays_nothing_here(buyer: User, freelancer: User, moderator: User, sign_in):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    reader = sign_in(buyer)
    reader.get(order.get_absolute_url())
    before = len(lines())
    with CaptureQueriesContext(connection) as page:
        assert reader.get(order.get_absolute_url()).status_code == 200
    with CaptureQueriesContext(connection) as service:
        confirm_payment(actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount)
    assert [query["sql"] for query in [*page, *service] if "auditlog" in query["sql"]] == []
    assert len(lines()) == before


# --- Many at once ---------------------------------------------------------------------------------------------------
def test_requests_at_the_same_time_are_not_mixed_up(rf: RequestFactory):
    together = Barrier(8)

    def change(number: int) -> LogEntry:
        request = rf.post("/", REMOTE_ADDR=f"203.0.113.{number}", HTTP_USER_AGENT=f"browser {number}")
        request.user = User(email=f"{number}@example.com")
        entry = LogEntry()

        def view(_request: HttpRequest) -> HttpResponse:
            together.wait(timeout=10)
            pre_save.send(sender=LogEntry, instance=entry)
            together.wait(timeout=10)
            return HttpResponse()

        who_and_where(view)(request)
        return entry

    with ThreadPoolExecutor(8) as threads:
        entries = list(threads.map(change, range(8)))
    told = [(entry.actor_email, entry.remote_addr, entry.additional_data) for entry in entries]
    assert told == [(f"{n}@example.com", f"203.0.113.{n}", {"user_agent": f"browser {n}"}) for n in range(8)]


def test_a_request_through_asgi_is_told_the_same(freelancer: User):
    gig = GigFactory(freelancer=freelancer)
    client = AsyncClient()
    client.force_login(freelancer)
    async_to_sync(client.post)(reverse("gigs:pause", args=[gig.pk]), headers={"user-agent": BROWSER})
    line = lines(gig)[-1]
    assert (line.actor, line.remote_addr, line.additional_data) == (freelancer, "127.0.0.1", {"user_agent": BROWSER})
