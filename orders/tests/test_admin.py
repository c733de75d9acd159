"""The payment desk, and what admin may never do."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from gigs.tests.factories import GigFactory, RequirementFactory
from marketplace.uploads import check_receipt
from orders.matching import names_match
from orders.models import Order, OrderEvent, PaymentMethod, PaymentProof
from orders.services import payments
from orders.states import Custody, Status
from orders.tests.factories import (
    DirectMethodFactory,
    PlatformMethodFactory,
    a_receipt,
    hand_in_proof,
    order_in,
    place,
    place_many,
)
from orders.tests.test_states import trace

QUEUE = "/admin/orders/paymentproof/"


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def proof(order: Order) -> PaymentProof:
    return order.proofs.get()


def url(name: str, proof: PaymentProof) -> str:
    return reverse(f"admin:orders_paymentproof_{name}", args=[proof.pk])


def amount(order: Order, typed: str = "120.00", arrived: str = "exact") -> dict[str, object]:
    return {"confirm-seen": order.version, "confirm-received_amount": typed, "confirm-arrived": arrived}


def reason(order: Order, **changes: object) -> dict[str, object]:
    return {"reject-seen": order.version, "reject-reason": "not_found", "reject-note": "It has not arrived.", **changes}


def second_moderator() -> User:
    return UserFactory(full_name="Second Moderator", is_staff=True, is_superuser=True)


# --- The queue ------------------------------------------------------------------------------------------------------
def listed(client: Client, **query: str) -> list[Order]:
    return [row["proof"].order for row in client.get(QUEUE, query).context["rows"]]


def test_the_queue_is_by_waiting_time(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    orders = [order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer) for _ in range(3)]
    PaymentProof.objects.filter(order=orders[2]).update(submitted_at=timezone.now() - timedelta(days=1))
    assert listed(sign_in(moderator)) == [orders[2], orders[0], orders[1]]


def test_decided_proofs_stand_in_their_own_lists(order: Order, buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    paid = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, verifier=moderator)
    payments.reject_payment(actor=moderator, order_id=order.pk, seen=order.version, reason="not_found", note="No.")
    client = sign_in(moderator)
    assert listed(client) == []
    assert listed(client, state="verified") == [paid]
    assert listed(client, state="rejected") == [order]
    assert listed(client, state="anything") == []


def test_an_overdue_proof_is_marked(order: Order, moderator: User, sign_in: SignIn):
    client = sign_in(moderator)
    assert [row["overdue"] for row in client.get(QUEUE).context["rows"]] == [False]
    Order.objects.update(review_due_at=timezone.now() - timedelta(minutes=1))
    assert [row["overdue"] for row in client.get(QUEUE).context["rows"]] == [True]


def test_flags_show_what_to_look_at_twice(buyer: User, freelancer: User, moderator: User, sign_in: SignIn, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    clean = hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=a_receipt("tan"))
    payments.confirm_payment(actor=moderator, order_id=clean.pk, seen=clean.version, received_amount=Decimal(120))
    odd = order_in(client=buyer, freelancer=freelancer)
    hand_in_proof(odd, payer_name="Somebody Else", amount=Decimal(12), receipt=a_receipt("tan"))
    rows = sign_in(moderator).get(QUEUE).context["rows"]
    assert [[flag.label for flag in row["flags"]] for row in rows] == [
        ["Receipt used before", "Signed by Ingrid Bø"],
        ["Receipt used before", "Claims 12.00\u00a0EUR", "Another name paid"],
    ]


def test_a_search_finds_a_proof_in_any_state(order: Order, proof: PaymentProof, buyer: User, moderator: User, sign_in: SignIn):
    client = sign_in(moderator)
    written = proof.transaction_reference.lower().replace("-", " ")
    for words in (written, order.payment_reference.lower(), buyer.email.upper()):
        assert listed(client, q=words) == [order]
    for words in ("nothing", "-", "%", "'", "\x00nothing"):
        assert listed(client, q=words) == []


def test_the_queue_takes_as_many_queries_for_thirty(
    order: Order, buyer: User, freelancer: User, moderator: User, sign_in: SignIn, django_assert_max_num_queries
):
    client = sign_in(moderator)
    client.get(QUEUE)
    with django_assert_max_num_queries(50) as one:
        client.get(QUEUE)
    gig = GigFactory(freelancer=freelancer)
    for _ in range(29):
        hand_in_proof(place(UserFactory(), gig, order.payment_method), payer_name="Other", amount=Decimal(1))
    with django_assert_max_num_queries(50) as thirty:
        assert len(client.get(QUEUE).context["rows"]) == 30
    assert len(thirty) == len(one)


def test_the_front_page_shows_how_many_wait(order: Order, moderator: User, sign_in: SignIn):
    answer = sign_in(moderator).get("/admin/")
    assert [desk["count"] for desk in answer.context["desks"]] == [1, 0, 0, 0]  # payments, statements, disputes, money to send
    assert f'href="{QUEUE}"' in answer.content.decode()


# --- Who may --------------------------------------------------------------------------------------------------------
def test_the_front_page_leads_to_each_desk_once(root: User, sign_in: SignIn):
    page = sign_in(root).get("/admin/").content.decode()
    for desk in ("paymentproof", "bankstatement", "dispute", "disbursement"):
        assert page.count(f'href="/admin/orders/{desk}/"') == 1, desk
    assert 'href="/admin/orders/order/"' in page  # a record, and no desk


def test_staff_without_the_permission_get_403(order: Order, proof: PaymentProof, sign_in: SignIn):
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="orders", codename__startswith="view"))
    client, before = sign_in(staff), trace(order)
    for address in (QUEUE, url("verify", proof)):
        assert client.get(address).status_code == 403
    for address, data in ((url("confirm", proof), amount(order)), (url("reject", proof), reason(order))):
        assert client.post(address, data).status_code == 403
    assert client.get("/admin/").context["desks"] == []
    assert trace(order) == before


def test_people_who_are_not_staff_never_get_in(order: Order, proof: PaymentProof, buyer: User, stranger: User, sign_in: SignIn):
    before = trace(order)
    for person in (buyer, stranger, order.freelancer):
        client = sign_in(person)
        for address in (QUEUE, url("verify", proof)):
            assert client.get(address).status_code in (302, 403)
        assert client.post(url("confirm", proof), amount(order)).status_code in (302, 403)
    assert Client().get(QUEUE).status_code == 302
    assert trace(order) == before


@pytest.mark.parametrize("side", ["client", "freelancer"])
def test_a_moderator_never_meets_their_own_orders(side: str, moderator: User, stranger: User, sign_in: SignIn):
    people = {"client": stranger, "freelancer": UserFactory(), side: moderator}
    order = order_in(Status.PAYMENT_SUBMITTED, **people)
    proof, client, before = order.proofs.get(), sign_in(moderator), trace(order)
    assert listed(client) == []
    assert listed(client, q=order.payment_reference) == []
    assert client.get(url("verify", proof)).status_code == 404
    assert client.post(url("confirm", proof), amount(order)).status_code == 404
    assert client.post(url("reject", proof), reason(order)).status_code == 404
    assert trace(order) == before


def test_an_unknown_proof_is_404(moderator: User, sign_in: SignIn):
    address = reverse("admin:orders_paymentproof_verify", args=[uuid.uuid4()])
    assert sign_in(moderator).get(address).status_code == 404


def test_looking_changes_nothing(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    client, before = sign_in(moderator), trace(order)
    assert client.get(QUEUE).status_code == 200
    assert client.get(url("verify", proof)).status_code == 200
    assert client.get(f"{QUEUE}{proof.pk}/change/")["Location"] == url("verify", proof)
    for name in ("confirm", "reject"):
        assert client.get(url(name, proof)).status_code == 405
    assert client.post(url("verify", proof)).status_code == 405
    assert client.post(QUEUE, {"action": "delete_selected"}).status_code == 405
    assert trace(order) == before


# --- Looking at one -------------------------------------------------------------------------------------------------
def test_a_picture_is_shown_and_a_pdf_only_offered(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    client, receipt = sign_in(moderator), reverse("orders:receipt", args=[proof.pk])
    assert f'<img src="{receipt}?inline=1"' in client.get(url("verify", proof)).content.decode()
    pdf = check_receipt(SimpleUploadedFile("r.pdf", b"%PDF-1.4\n%%EOF"))
    other = hand_in_proof(place(UserFactory(), GigFactory(freelancer=order.freelancer), order.payment_method), receipt=pdf)
    page = client.get(url("verify", other.proofs.get())).content.decode()
    assert "<img" not in page
    assert f'href="{reverse("orders:receipt", args=[other.proofs.get().pk])}"' in page


def test_earlier_uses_are_linked(order: Order, proof: PaymentProof, freelancer: User, moderator: User, sign_in: SignIn):
    other = place(UserFactory(), GigFactory(freelancer=freelancer), PlatformMethodFactory())
    again = hand_in_proof(other, transaction_reference=proof.transaction_reference).proofs.get()
    answer = sign_in(moderator).get(url("verify", again))
    assert [use.proof for use in answer.context["earlier"]] == [proof]
    assert f'href="{url("verify", proof)}"' in answer.content.decode()


@pytest.mark.parametrize(
    ("payer", "client", "same"),
    [
        ("OKAFOR AMARA", "Amara Okafor", True),
        ("Amara N. Okafor", "Amara Okafor", True),
        ("Jose Niguez", "José Ñíguez", True),
        ("A. Okafor", "Amara Okafor", False),
        ("Amara Okafo", "Amara Okafor", False),
        ("", "Amara Okafor", False),
        ("Somebody", "", False),
    ],
)
def test_names_are_compared_as_people_write_them(payer: str, client: str, same: bool):
    assert names_match(payer, client) is same


# --- Deciding -------------------------------------------------------------------------------------------------------
def test_a_confirmation_leads_to_the_next_in_the_queue(
    order: Order, proof: PaymentProof, buyer: User, freelancer: User, moderator: User, sign_in: SignIn
):
    following = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    answer = sign_in(moderator).post(url("confirm", proof), amount(order), follow=True)
    assert answer.redirect_chain == [(url("verify", following.proofs.get()), 302)]
    assert [str(m) for m in answer.context["messages"]] == [
        f"Confirmed: 120.00\u00a0EUR for order {order.payment_reference}.",
        "Below is the next payment in the queue, for another order.",
    ]
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.status, fresh.proofs.get().decided_by) == (Status.PAYMENT_CONFIRMED, moderator)


def test_after_the_last_one_comes_the_empty_queue(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    answer = sign_in(moderator).post(url("reject", proof), reason(order), follow=True)
    assert answer.redirect_chain == [(QUEUE, 302)]
    assert "All payments are checked" in answer.content.decode()
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.status, fresh.proofs.get().rejection_note) == (Status.PENDING_PAYMENT, "It has not arrived.")


@pytest.mark.parametrize("typed", ["120", "120,00", "EUR 120.00", "١٢٠"])
def test_amounts_are_read_as_people_type_them(typed: str, order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    sign_in(moderator).post(url("confirm", proof), amount(order, typed))
    assert Order.objects.get(pk=order.pk).status == Status.PAYMENT_CONFIRMED


@pytest.mark.parametrize("typed", ["", "119.99", "0", "-120", "1e2", "120.001", "lots"])
def test_a_wrong_amount_is_said_and_kept(typed: str, order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    before = trace(order)
    answer = sign_in(moderator).post(url("confirm", proof), amount(order, typed))
    form = answer.context["confirm"]
    assert answer.status_code == 200
    assert form.errors != {}
    assert form["received_amount"].value() == typed
    assert trace(order) == before


@pytest.mark.parametrize(
    "change",
    [
        {"reject-reason": ""},
        {"reject-reason": "because"},
        {"reject-note": " "},
        {"reject-note": "x" * 1001},
        {"reject-note": "\x00"},
    ],
)
def test_a_rejection_without_reason_or_words_is_not_taken(
    change: dict, order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn
):
    before, data = trace(order), reason(order, **change)
    answer = sign_in(moderator).post(url("reject", proof), data)
    assert answer.context["reject"].errors != {}
    assert answer.context["reject"]["note"].value() == data["reject-note"]
    assert trace(order) == before


def test_the_faster_one_wins_and_the_other_is_told(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    slow, data = sign_in(moderator), reason(order)
    sign_in(second_moderator()).post(url("confirm", proof), amount(order))
    before = trace(order)
    answer = slow.post(url("reject", proof), data)
    assert "Someone was faster" in answer.content.decode()
    assert "Verified by" in answer.content.decode()
    assert trace(order) == before


def test_after_a_signature_the_stale_page_shows_it_and_keeps_the_text(
    order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn, settings
):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    slow = sign_in(moderator)
    sign_in(second_moderator()).post(url("confirm", proof), amount(order))
    answer = slow.post(url("reject", proof), reason(order, **{"reject-note": "My words."}))
    form = answer.context["reject"]
    assert "Someone was faster" in form.non_field_errors()[0]
    assert (form["note"].value(), form["seen"].value()) == ("My words.", order.version + 1)
    assert "Second Moderator" in answer.content.decode()
    assert slow.post(url("confirm", proof), {**amount(order), "confirm-seen": order.version + 1}).status_code == 302
    assert Order.objects.get(pk=order.pk).status == Status.PAYMENT_CONFIRMED


def test_a_double_click_decides_once(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn):
    client = sign_in(moderator)
    for _click in range(2):
        assert client.post(url("confirm", proof), amount(order))["Location"] == QUEUE
    assert OrderEvent.objects.filter(order=order, action="confirm_payment").count() == 1


def test_the_page_of_an_old_proof_never_decides_about_the_new_one(
    order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn
):
    payments.reject_payment(actor=moderator, order_id=order.pk, seen=order.version, reason="unreadable", note="Sharper.")
    fresh = hand_in_proof(Order.objects.get(pk=order.pk))
    before = trace(fresh)
    client = sign_in(moderator)
    for name, data in (("confirm", amount(fresh)), ("reject", reason(fresh))):
        answer = client.post(url(name, proof), data)
        assert "the client has handed in another proof since" in answer.content.decode()
    assert trace(fresh) == before


@pytest.mark.parametrize("seen", ["", "0", "-1", "x", "99999999999999999999"])
def test_a_form_without_a_right_version_is_refused(
    seen: str, order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn
):
    before = trace(order)
    answer = sign_in(moderator).post(url("confirm", proof), {**amount(order), "confirm-seen": seen})
    assert answer.status_code == 200
    assert trace(order) == before


def test_two_moderators_over_the_limit(order: Order, proof: PaymentProof, moderator: User, sign_in: SignIn, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    first = sign_in(moderator)
    answer = first.post(url("confirm", proof), amount(order), follow=True)
    assert answer.redirect_chain == [(QUEUE, 302)]
    assert "A second moderator must confirm it now." in answer.content.decode()
    page = first.get(url("verify", proof))
    assert "You have signed this payment." in page.content.decode()
    signed = Order.objects.get(pk=order.pk)
    refused = first.post(url("confirm", proof), amount(signed))
    assert "A second moderator must confirm it." in refused.content.decode()
    second = sign_in(second_moderator())
    assert "Ingrid Bø" in second.get(url("verify", proof)).content.decode()
    second.post(url("confirm", proof), amount(signed))
    assert Order.objects.get(pk=order.pk).status == Status.PAYMENT_CONFIRMED


def test_a_direct_payment_says_that_nobody_here_holds_it(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    page = sign_in(moderator).get(url("verify", order.proofs.get())).content.decode()
    assert "This site does not hold the money." in page
    assert "escrow" not in page


def test_posts_need_the_csrf_token(order: Order, proof: PaymentProof, moderator: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(moderator)
    assert client.post(url("confirm", proof), amount(order)).status_code == 403
    assert Order.objects.get(pk=order.pk).status == Status.PAYMENT_SUBMITTED


def test_an_id_that_is_none_is_not_found(moderator: User, sign_in: SignIn):
    assert sign_in(moderator).get("/admin/orders/paymentproof/x/change/").status_code == 404


# --- The record -----------------------------------------------------------------------------------------------------
RECORDS = [
    "ledgertransfer",
    "ledgeraccount",
    "order",
    "orderevent",
    "requirementanswer",
    "delivery",
    "revisionrequest",
    "paymentproof",
]


@pytest.fixture
def root(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True, full_name="Root")


@pytest.fixture
def whole_deal(buyer: User, freelancer: User) -> Order:
    gig = GigFactory(freelancer=freelancer, revisions_included=1)
    RequirementFactory(gig=gig, is_required=False)
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, gig=gig)


def form_of(row) -> dict[str, object]:
    """Every editable column as a form would post it, with the status turned round."""
    fields = {name: value for name, value in model_to_dict(row).items() if value is not None and name != "receipt"}
    return {**fields, "status": "CANCELLED", "state": "verified", "_save": "Save"}


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_is_read_and_never_written(name: str, whole_deal: Order, root: User, sign_in: SignIn):
    model = apps.get_model("orders", name)
    row, client, before = model.objects.first(), sign_in(root), list(model.objects.order_by("pk").values())
    assert client.get(f"/admin/orders/{name}/").status_code == 200
    page = client.get(f"/admin/orders/{name}/{row.pk}/change/", follow=True)
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert client.get(f"/admin/orders/{name}/{row.pk}/history/").status_code == 200
    assert client.post(f"/admin/orders/{name}/{row.pk}/change/", form_of(row)).status_code == 403
    assert client.post(f"/admin/orders/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/orders/{name}/add/", form_of(row)).status_code == 403
    client.post(f"/admin/orders/{name}/", {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    assert list(model.objects.order_by("pk").values()) == before


def test_the_record_stands_in_admin_and_nothing_of_orders_can_be_deleted(root: User, rf):
    request = rf.get("/admin/")
    request.user = root
    registered = {
        model._meta.model_name: site for model, site in admin.site._registry.items() if model._meta.app_label == "orders"
    }
    assert {*RECORDS, "paymentmethod"} <= set(registered)
    for site in registered.values():
        assert not site.has_delete_permission(request)
        assert site.get_actions(request) == {}


@pytest.mark.parametrize("name", ["order", "orderevent", "delivery", "requirementanswer", "revisionrequest"])
def test_the_records_lists_can_be_searched(name: str, whole_deal: Order, root: User, sign_in: SignIn):
    answer = sign_in(root).get(f"/admin/orders/{name}/", {"q": whole_deal.payment_reference})
    assert answer.context["cl"].result_count > 0


def test_the_list_of_orders_has_a_label_to_read_and_pages_of_25(order: Order, root: User, sign_in: SignIn):
    place_many(25, order.client, order.gig, order.payment_method)
    answer = sign_in(root).get("/admin/orders/order/", {"q": order.client.email, "custody__exact": "PLATFORM"})
    page = answer.content.decode()
    assert '<label for="searchbar">Find</label>' in page
    assert '<input type="hidden" name="custody__exact" value="PLATFORM">' in page  # a search keeps the filters
    assert (answer.context["cl"].result_count, len(answer.context["cl"].result_list)) == (26, 25)


def test_the_list_of_orders_counts_all_orders_once_and_sweeps_them_for_nothing_else(
    whole_deal: Order, root: User, sign_in: SignIn
):
    client = sign_in(root)
    client.get("/admin/orders/order/")
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/orders/order/")
    sweeps = [query["sql"] for query in asked if any(word in query["sql"] for word in ("COUNT(", "MIN(", "DISTINCT"))]
    assert len(sweeps) == 1, sweeps


def test_an_orders_record_asks_for_no_person_event_by_event(whole_deal: Order, root: User, sign_in: SignIn):
    client, address = sign_in(root), f"/admin/orders/order/{whole_deal.pk}/change/"
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(address).content.decode()
    assert page.count('data-label="Actor"') == whole_deal.events.count() > 3
    people = [query["sql"] for query in asked if 'FROM "accounts_user"' in query["sql"]]
    assert len(people) == 3  # who looks, the client, the freelancer


# --- Accounts -------------------------------------------------------------------------------------------------------
ACCOUNT = {
    "kind": "bank",
    "currency": "EUR",
    "label": "SEPA",
    "account_holder": "Marketplace Escrow",
    "account_number": "DE89 3704 0044 0532 0130 00",
    "routing": "",
    "instructions": "",
    "pay_window_hours": "",
    "is_active": "on",
}


def test_an_account_made_here_is_the_platforms(moderator: User, stranger: User, sign_in: SignIn):
    smuggled = {"custody": "DIRECT", "owner": str(stranger.pk)}
    answer = sign_in(moderator).post("/admin/orders/paymentmethod/add/", {**ACCOUNT, **smuggled})
    assert answer.status_code == 302
    method = PaymentMethod.objects.get()
    assert (method.custody, method.owner, method.account_number) == (Custody.PLATFORM, None, "DE89370400440532013000")
    assert (method.pay_window_hours, method.is_active) == (72, True)


def test_a_platform_account_is_changed_and_closed(moderator: User, sign_in: SignIn, buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    address = f"/admin/orders/paymentmethod/{order.payment_method_id}/change/"
    client = sign_in(moderator)
    assert client.get(address).status_code == 200
    changed = {key: value for key, value in ACCOUNT.items() if key != "is_active"}
    assert client.post(address, {**changed, "label": "New", "account_number": "NO9386011117947"}).status_code == 302
    method = PaymentMethod.objects.get()
    assert (method.label, method.account_number, method.is_active) == ("New", "NO9386011117947", False)
    assert Order.objects.get().deposit_address == order.deposit_address


def test_a_wrong_account_is_refused(moderator: User, sign_in: SignIn):
    answer = sign_in(moderator).post("/admin/orders/paymentmethod/add/", {**ACCOUNT, "account_number": "DE00370400440532013000"})
    assert set(answer.context["adminform"].form.errors) == {"account_number"}
    assert PaymentMethod.objects.count() == 0


def test_a_freelancers_account_can_only_be_stopped(moderator: User, freelancer: User, sign_in: SignIn):
    method = DirectMethodFactory(owner=freelancer)
    before = PaymentMethod.objects.values().get()
    answer = sign_in(moderator).post(f"/admin/orders/paymentmethod/{method.pk}/change/", {**ACCOUNT, "is_active": ""})
    assert answer.status_code == 302
    after = PaymentMethod.objects.values().get()
    assert {key for key in before if before[key] != after[key]} == {"is_active", "updated_at"}
    assert after["is_active"] is False


def test_accounts_are_never_deleted(root: User, sign_in: SignIn):
    method, client = PlatformMethodFactory(), sign_in(root)
    assert client.post(f"/admin/orders/paymentmethod/{method.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/orders/paymentmethod/", {"action": "delete_selected", "_selected_action": method.pk, "post": "yes"})
    assert PaymentMethod.objects.count() == 1


def test_staff_without_permission_see_no_accounts(db: None, sign_in: SignIn):
    method = PlatformMethodFactory()
    client = sign_in(UserFactory(is_staff=True))
    assert client.get("/admin/orders/paymentmethod/").status_code == 403
    assert client.post(f"/admin/orders/paymentmethod/{method.pk}/change/", ACCOUNT).status_code == 403


def test_less_than_due_is_held_as_a_part_where_the_moderator_says_so(
    moderator: User, buyer: User, freelancer: User, sign_in: SignIn
):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    proof, client = order.proofs.get(), sign_in(moderator)
    assert client.post(url("confirm", proof), amount(order, "45.00")).status_code == 200  # "exactly" was not true
    assert Order.objects.get().version == order.version
    answer = client.post(url("confirm", proof), amount(order, "45.00", "less"), follow=True)
    assert "The client is asked for 75.00" in answer.content.decode()
    order.refresh_from_db()
    assert (order.payment_status, order.funded_amount) == ("PARTIALLY_FUNDED", Decimal(45))


def test_more_than_due_is_confirmed_and_the_rest_refunded(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    answer = sign_in(moderator).post(url("confirm", order.proofs.get()), amount(order, "150", "more"), follow=True)
    assert "Confirmed: 150.00" in answer.content.decode()
    assert order.disbursements.get().amount == Decimal(30)


def test_a_direct_payment_has_no_part_to_hold(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    page = sign_in(moderator).get(url("verify", order.proofs.get())).content.decode()
    assert 'value="exact"' in page
    assert 'value="less"' not in page


def test_staff_end_an_order_whose_rest_never_came(moderator: User, buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    order = payments.record_partial(actor=moderator, order_id=order.pk, seen=order.version, received_amount=Decimal(45))
    proof, client = order.proofs.get(), sign_in(moderator)
    assert client.get(f"{QUEUE}?state=part").context["rows"] == []  # there is still time
    Order.objects.update(pay_by=timezone.now() - timedelta(minutes=1))
    assert [row["proof"] for row in client.get(f"{QUEUE}?state=part").context["rows"]] == [proof]
    answer = client.post(url("cancel", proof), {"part-seen": order.version, "part-note": "The rest never came."}, follow=True)
    assert "The part is refunded" in answer.content.decode()
    order.refresh_from_db()
    assert (order.status, order.payment_status, order.disbursements.get().amount) == ("CANCELLED", "REFUNDED", Decimal(45))
