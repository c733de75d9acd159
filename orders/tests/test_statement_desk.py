"""The statement desk in admin: files in, what they fit, every decision by a button, and nobody there who may not."""

import re
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from orders import ledger
from orders.admin.statements import BankStatementAdmin
from orders.models import BankStatement, Disbursement, Order, PaymentMethod, StatementLine, UnreadableLine
from orders.services import lifecycle, payments, statement_lines, statement_uploads
from orders.statements import CsvMapping
from orders.states import Status
from orders.tests.bank_files.make import make_camt
from orders.tests.factories import hand_in_proof, order_in, place, place_many
from orders.tests.test_statement_lines import TO, entry, facts, fits, fresh
from orders.tests.test_statements_import import imported, kept_files, paid, row, table

assert BankStatementAdmin  # registers itself
FILES = "/admin/orders/bankstatement/"
State = StatementLine.State


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(client=buyer, freelancer=freelancer)


@pytest.fixture
def method(order: Order) -> PaymentMethod:
    return order.payment_method


@pytest.fixture
def desk(moderator: User, sign_in: SignIn) -> Client:
    return sign_in(moderator)


def url(name: str, *args: object) -> str:
    return reverse(f"admin:orders_bankstatement_{name}", args=args)


def upload(desk: Client, method: PaymentMethod, data: bytes, name: str = "november.csv"):
    form = {"upload-method": method.pk, "upload-file": SimpleUploadedFile(name, data)}
    return desk.post(url("upload"), form, follow=True)


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def text_of(response) -> str:
    return response.content.decode()


# --- Files in -------------------------------------------------------------------------------------------------------
def test_an_upload_is_read_at_once_and_shows_what_fits(desk: Client, order: Order, method: PaymentMethod):
    method.account_number = "DE02120300000000202051"
    method.save()
    response = upload(desk, method, make_camt([paid(order), paid(order, "5", "B2")]), "november.xml")
    statement = BankStatement.objects.get()
    assert response.redirect_chain[-1][0] == url("entries", statement.pk)
    assert said(response) == ["november.xml was read: 2 new entries."]
    assert statement.imported_by.email == "moderator@example.com"
    page = text_of(desk.get(url("entries", statement.pk), {"tab": "amber"}))
    assert order.payment_reference in page
    assert "Another open entry fits the same order" in page
    assert kept_files() == set() or statement.is_complete


def test_a_table_asks_for_its_columns_once(desk: Client, method: PaymentMethod):
    response = upload(desk, method, table(row("Gift")))
    statement = BankStatement.objects.get()
    assert response.redirect_chain[-1][0] == url("columns", statement.pk)
    form = response.context["form"]
    assert (form.initial["date"], form.initial["amount"], form.initial["text"]) == ("Date", "Amount", "Description")
    assert "Date,Description,Amount" in response.context["head"]
    assert "waits until you have said" in text_of(desk.get(url("entries", statement.pk)))
    typed = {f"mapping-{name}": value for name, value in form.initial.items() if isinstance(value, str | int)}
    response = desk.post(url("columns", statement.pk), typed, follow=True)
    assert said(response) == ["november.csv was read: 1 new entry."]
    again = upload(desk, method, table(row("Gift"), row("Other")))
    assert said(again) == ["november.csv was read: 1 new entry."]


def test_columns_that_are_not_there_are_said_and_nothing_is_read(desk: Client, method: PaymentMethod):
    upload(desk, method, table(row("Gift")))
    statement = BankStatement.objects.get()
    for typed, words in (
        ({"date": "When", "amount": "Amount"}, "There is no column “When”"),
        ({"date": "Date"}, "which column holds the amount"),
        ({"date": "Date", "amount": "Amount", "credit": "Amount"}, "Map either one column"),
    ):
        data = {f"mapping-{name}": value for name, value in {"header_row": "1", **typed}.items()}
        response = desk.post(url("columns", statement.pk), data)
        assert response.status_code == 200
        assert words in text_of(response)
        assert not StatementLine.objects.exists()
    wrong = CsvMapping(date="When", amount="Amount")
    statement_uploads.save_csv_mapping(actor=UserFactory(is_staff=True, is_superuser=True), method_id=method.pk, mapping=wrong)
    assert "There is no column “When”" in text_of(desk.get(url("entries", statement.pk)))


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"<a/>"])
def test_a_wrong_file_is_refused_in_words_and_forgotten(data: bytes, desk: Client, method: PaymentMethod):
    before = kept_files()
    response = upload(desk, method, data)
    assert response.status_code == 200
    assert response.context["upload"].errors["file"]
    assert not BankStatement.objects.exists()
    assert kept_files() == before


def test_a_freelancers_account_cannot_be_chosen(desk: Client, buyer: User, freelancer: User):
    direct = order_in(client=buyer, freelancer=freelancer, custody="DIRECT").payment_method
    assert upload(desk, direct, table(row("Gift"))).context["upload"].errors["method"]
    assert not BankStatement.objects.exists()


def test_a_large_file_is_left_to_the_worker_and_its_progress_shown(
    desk: Client, method: PaymentMethod, monkeypatch, django_capture_on_commit_callbacks: Callable[..., object]
):
    monkeypatch.setattr(statement_uploads, "AT_ONCE_BYTES", 10)
    method.account_number = "none"
    method.save()
    data = make_camt(30)
    upload(desk, method, data)
    statement = BankStatement.objects.get()
    page = desk.get(url("entries", statement.pk))
    assert "<progress" in text_of(page)
    assert not StatementLine.objects.exists()
    assert statement_uploads.continue_imports() == 1
    polled = desk.get(url("entries", statement.pk), headers={"hx-request": "true"})
    assert polled.headers["HX-Refresh"] == "true"
    assert "<progress" not in text_of(desk.get(url("entries", statement.pk)))


def test_an_upload_of_which_nothing_was_read_is_discarded(desk: Client, method: PaymentMethod):
    upload(desk, method, table(row("Gift")))
    statement = BankStatement.objects.get()
    response = desk.post(url("discard", statement.pk), follow=True)
    assert said(response) == ["november.csv was discarded. Nothing of it was read."]
    assert not BankStatement.objects.exists()
    done = imported(method, table(row("Gift")))
    assert "They stay." in said(desk.post(url("discard", done.pk), follow=True))[0]
    assert BankStatement.objects.get() == done


# --- What they fit --------------------------------------------------------------------------------------------------
def test_the_tabs_count_what_waits(desk: Client, order: Order, method: PaymentMethod, stranger: User):
    other = place(stranger, order.gig, method)
    statement = imported(
        method,
        table(
            row(order.payment_reference),
            row(other.payment_reference, "100"),
            row("?", "9", payer="Nobody"),
            row("Rent", "-1"),
            row("Odd", "?"),
        ),
    )
    tabs = {tab["label"]: tab["count"] for tab in desk.get(url("entries", statement.pk)).context["tabs"]}
    assert tabs == {
        "Fits": 1,
        "Fits in part": 1,
        "Fits nothing": 1,
        "In suspense": 0,
        "Unreadable": 1,
        "Money out, other": 1,
        "Done": 0,
    }
    everywhere = {tab["label"]: tab["count"] for tab in desk.get(FILES).context["tabs"]}
    assert everywhere == {**tabs, "Done": None}
    for tab in ("green", "amber", "red", "suspense", "none", "done", "unreadable", "anything"):
        assert desk.get(url("entries", statement.pk), {"tab": tab}).status_code == 200
        assert desk.get(url("all"), {"tab": tab}).status_code == 200


def test_a_file_counts_the_unreadable_lines_nobody_has_looked_at_as_its_tab_does(desk: Client, method: PaymentMethod):
    statement = imported(method, table(row("Gift"), row("Odd", "?"), row("Odder", "?")))
    assert "2 unreadable" in text_of(desk.get(FILES))
    for left, unreadable in ((1, statement.unreadable.all()[0]), (0, statement.unreadable.all()[1])):
        desk.post(url("resolve", unreadable.pk), {"note-note": "A footer."})
        page = desk.get(FILES)
        assert ("1 unreadable" in text_of(page), "2 unreadable" in text_of(page)) == (left == 1, False)
        assert {tab["label"]: tab["count"] for tab in page.context["tabs"]}["Unreadable"] == left


def test_what_came_in_a_file_is_shown_and_never_run(desk: Client, method: PaymentMethod):
    evil = "<script>alert(1)</script>"
    statement = imported(method, table(row(evil, payer=evil), row(evil, "?")))
    line = statement.lines.get()
    for address in (url("entries", statement.pk), f"{url('entries', statement.pk)}?tab=unreadable", url("entry", line.pk)):
        assert evil not in text_of(desk.get(address))
        assert "&lt;script&gt;" in text_of(desk.get(address))


def test_lists_take_as_many_queries_for_thirty(desk: Client, order: Order, method: PaymentMethod, django_assert_max_num_queries):
    statement = imported(method, table(row(order.payment_reference)))
    desk.get(url("entries", statement.pk))
    with django_assert_max_num_queries(60) as one:
        desk.get(url("entries", statement.pk), {"tab": "green"})
    orders = place_many(29, order.client, order.gig, method)
    imported(method, table(*(row(one.payment_reference) for one in orders)))
    with django_assert_max_num_queries(len(one)):
        assert len(desk.get(url("all"), {"tab": "green"}).context["rows"]) == 30


# --- Deciding -------------------------------------------------------------------------------------------------------
def test_an_entry_is_confirmed_from_its_page(desk: Client, order: Order):
    line = fits(order)
    page = desk.get(url("entry", line.pk))
    assert page.context["can"] == {"confirm", "other", "suspend", "ignore"}
    response = desk.post(url("confirm", line.pk), {"confirm-seen": order.version}, follow=True)
    assert said(response) == [f"Confirmed: 120.00\u00a0EUR for order {order.payment_reference}."]
    assert fresh(order).status == Status.PAYMENT_CONFIRMED
    assert desk.get(url("entry", line.pk)).context["can"] == set()


def test_a_page_from_before_is_shown_again_with_the_reason(desk: Client, order: Order):
    line = fits(order)
    hand_in_proof(order)
    before = facts(order, line)
    response = desk.post(url("confirm", line.pk), {"confirm-seen": order.version})
    assert "Someone was faster" in text_of(response)
    assert response.context["forms"]["confirm"].initial["seen"] == fresh(order).version
    assert facts(order, line) == before


def test_all_green_entries_are_looked_at_and_confirmed_together(
    desk: Client, order: Order, method: PaymentMethod, stranger: User
):
    others = [place(stranger, order.gig, method) for _ in range(2)]
    paid_by = (row(one.payment_reference, payer=one.client.full_name) for one in [order, *others])
    statement = imported(method, table(*paid_by))
    page = desk.get(url("green", statement.pk))
    assert page.context["total"] == Decimal(360)
    lifecycle.cancel(actor=stranger, order_id=others[1].pk, seen=others[1].version)
    response = desk.post(url("green", statement.pk), {"line": ticked(page)}, follow=True)
    assert said(response)[0] == "2 payments confirmed."
    assert said(response)[1].startswith(others[1].payment_reference)
    assert ledger.amount_in(ledger.outside("EUR")) == -240
    assert desk.post(url("green", statement.pk), {"line": ["nonsense"]}).status_code == 404


def test_more_green_entries_than_one_page_come_in_turn(desk: Client, order: Order, method: PaymentMethod, monkeypatch):
    monkeypatch.setattr("orders.admin.statements.GREEN_AT_ONCE", 2)
    others = [place(order.client, order.gig, method) for _ in range(2)]
    statement = imported(method, table(*(row(one.payment_reference) for one in [order, *others])))
    page = desk.get(url("green", statement.pk))
    assert len(page.context["rows"]) == 2
    response = desk.post(url("green", statement.pk), {"line": ticked(page)}, follow=True)
    assert len(response.context["rows"]) == 1


def ticked(page: HttpResponse) -> list[str]:
    """The entries a browser would send if nobody touched a tick."""
    boxes = re.findall(r"<input[^>]*>", text_of(page))
    return [re.search(r'value="([^"]+)"', box)[1] for box in boxes if 'type="checkbox"' in box and " checked" in box]


def test_an_entry_without_its_tick_stays_as_it_is(desk: Client, order: Order, method: PaymentMethod):
    other = place(order.client, order.gig, method)
    statement = imported(method, table(row(order.payment_reference), row(other.payment_reference)))
    address = url("green", statement.pk)
    both = ticked(desk.get(address))
    assert len(both) == 2
    assert said(desk.post(address, follow=True)) == ["Tick the payments to confirm first. Nothing was changed."]
    left = StatementLine.objects.get(order=other)
    response = desk.post(address, {"line": [line for line in both if line != str(left.pk)]}, follow=True)
    assert said(response) == ["1 payment confirmed."]
    assert (fresh(order).status, fresh(other).status) == (Status.PAYMENT_CONFIRMED, Status.PENDING_PAYMENT)
    assert [row.line for row in response.context["rows"]] == [left]
    assert response.redirect_chain[-1][0] == url("entries", statement.pk)


def test_what_somebody_else_paid_is_confirmed_on_its_own_only(desk: Client, order: Order):
    line = fits(order, payer="A Friend")
    assert desk.get(url("green", line.statement_id)).context["rows"] == []
    assert "Another name paid" in text_of(desk.get(url("entries", line.statement_id)))
    desk.post(url("green", line.statement_id), {"line": [line.pk]})
    assert fresh(line).state == State.OPEN
    desk.post(url("confirm", line.pk), {"confirm-seen": order.version})
    assert (fresh(line).state, fresh(order).status) == (State.CONFIRMED, Status.PAYMENT_CONFIRMED)


def test_money_of_a_direct_order_can_only_go_back_or_to_another_order(desk: Client, order: Order, buyer: User, freelancer: User):
    direct = order_in(client=buyer, freelancer=freelancer, custody="DIRECT")
    line = entry(order.payment_method, f"{direct.payment_reference} Logo", "480.00")
    page = desk.get(url("entry", line.pk))
    assert page.context["can"] == {"return", "other", "suspend", "ignore"}
    assert "the client paid us by mistake. Send it back." in text_of(page)
    before = facts(direct, line)
    for step, typed in (
        ("confirm", {"confirm-seen": direct.version}),
        ("other", {"other-reference": direct.payment_reference}),
    ):
        assert "This order is paid to the freelancer directly. Send the payment back." in text_of(
            desk.post(url(step, line.pk), typed)
        )
    assert facts(direct, line) == before
    desk.post(url("return", line.pk), {f"return-{name}": value for name, value in TO.items()})
    assert (fresh(line).state, Disbursement.objects.get().amount) == (State.RETURNED, Decimal(480))


def test_an_orphan_goes_to_suspense_and_from_there_to_its_order(desk: Client, order: Order):
    line = entry(order.payment_method, "nothing", payer="Nobody")
    desk.post(url("suspend", line.pk))
    assert desk.get(url("entry", line.pk)).context["can"] == {"other", "return"}
    wrong = desk.post(url("other", line.pk), {"other-reference": "K7M4-9QXK"})
    assert "No order into the platform" in text_of(wrong)
    assert fresh(line).state == State.SUSPENSE
    written = order.payment_reference.lower().replace("-", " ")
    response = desk.post(url("other", line.pk), {"other-reference": written}, follow=True)
    assert said(response) == [f"Confirmed: 120.00\u00a0EUR for order {order.payment_reference}."]
    assert (fresh(line).state, fresh(order).status) == (State.ASSIGNED, Status.PAYMENT_CONFIRMED)


def test_an_orphan_goes_back_to_its_payer(desk: Client, order: Order):
    line = entry(order.payment_method, "nothing", payer="Nobody")
    desk.post(url("suspend", line.pk))
    typed = {f"return-{name}": value for name, value in TO.items()}
    bad = desk.post(url("return", line.pk), {**typed, "return-account": "DE02500105170137075031"})
    assert "this is none. Compare every character." in text_of(bad)
    assert "Somebody Else" in text_of(bad)
    response = desk.post(url("return", line.pk), typed, follow=True)
    assert said(response) == ["It goes back to the payer once the return is approved and sent."]
    assert Disbursement.objects.get().statement_line == line


def test_a_known_payment_is_linked(desk: Client, order: Order, moderator: User):
    submitted = hand_in_proof(order)
    payments.confirm_payment(actor=moderator, order_id=order.pk, seen=submitted.version, received_amount=Decimal(120))
    line = fits(order)
    assert "link" in desk.get(url("entry", line.pk)).context["can"]
    desk.post(url("link", line.pk))
    assert fresh(line).state == State.CONFIRMED


def test_an_entry_is_put_aside_with_a_note(desk: Client, order: Order):
    line = entry(order.payment_method, "Interest", payer="Bank")
    assert desk.post(url("ignore", line.pk), {"note-note": ""}).status_code == 200
    assert fresh(line).state == State.OPEN
    desk.post(url("ignore", line.pk), {"note-note": "Interest."})
    assert (fresh(line).state, line.note) == (State.IGNORED, "Interest.")


def test_an_unreadable_line_is_resolved_with_a_note(desk: Client, method: PaymentMethod):
    unreadable = imported(method, table(row("Odd", "?"))).unreadable.get()
    desk.post(url("resolve", unreadable.pk), {"note-note": ""})
    assert fresh(unreadable).resolved_at is None
    desk.post(url("resolve", unreadable.pk), {"note-note": "A footer."})
    assert fresh(unreadable).note == "A footer."


def test_entries_are_compared_again(desk: Client, order: Order, method: PaymentMethod):
    line = entry(method, "nothing", payer="Li Wei")
    hand_in_proof(order, payer_name="Li Wei")
    assert said(desk.post(url("again", line.statement_id), follow=True)) == ["1 open entry was compared again."]
    assert fresh(line).order == order


def test_two_moderators_see_whose_signature_is_missing(desk: Client, order: Order, sign_in: SignIn, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    line = fits(order)
    assert "Yours is the first signature" in text_of(desk.get(url("entry", line.pk)))
    response = desk.post(url("confirm", line.pk), {"confirm-seen": order.version}, follow=True)
    assert said(response)[0].startswith("Signed")
    assert "You have signed this payment" in text_of(desk.get(url("entry", line.pk)))
    second = sign_in(UserFactory(is_staff=True, is_superuser=True))
    assert "Yours is the second signature" in text_of(second.get(url("entry", line.pk)))
    second.post(url("confirm", line.pk), {"confirm-seen": fresh(order).version})
    assert fresh(line).state == State.CONFIRMED


# --- Who, and how ---------------------------------------------------------------------------------------------------
def test_a_party_sees_the_entry_and_decides_nothing(moderator: User, freelancer: User, desk: Client):
    own = order_in(client=moderator, freelancer=freelancer)
    line = fits(own)
    page = desk.get(url("entry", line.pk))
    assert page.context["can"] == set()
    assert "Another moderator must decide" in text_of(page)
    before = facts(own, line)
    desk.post(url("confirm", line.pk), {"confirm-seen": own.version})
    desk.post(url("suspend", line.pk))
    assert facts(own, line) == before


def pages(line: StatementLine, unreadable: UnreadableLine) -> dict[str, list[str]]:
    """Every address of the desk by the only method it takes."""
    statement = line.statement_id
    return {
        "GET": [FILES, url("all"), url("entries", statement), url("entry", line.pk)],
        "POST": [
            url("upload"),
            url("discard", statement),
            url("again", statement),
            url("resolve", unreadable.pk),
            *(url(name, line.pk) for name in ("confirm", "other", "link", "suspend", "return", "ignore")),
        ],
    }


@pytest.fixture
def two(order: Order) -> tuple[StatementLine, UnreadableLine]:
    statement = imported(order.payment_method, table(row(order.payment_reference), row("Odd", "?")))
    return statement.lines.get(), statement.unreadable.get()


def test_nobody_but_verifiers_opens_the_desk(two, order: Order, buyer: User, sign_in: SignIn):
    before = facts(order, two[0])
    staff = sign_in(UserFactory(is_staff=True))
    for client, status in ((sign_in(buyer), {302, 403}), (Client(), {302}), (staff, {403})):
        for addresses in pages(*two).values():
            for address in [*addresses, url("columns", two[0].statement_id), url("green", two[0].statement_id)]:
                assert client.get(address).status_code in status, address
                assert client.post(address).status_code in status, address
    assert facts(order, two[0]) == before


def test_every_address_takes_its_own_method_only(two, desk: Client, order: Order):
    before = facts(order, two[0])
    for method, addresses in pages(*two).items():
        for address in addresses:
            other = desk.post(address) if method == "GET" else desk.get(address)
            assert other.status_code == 405, address
    assert facts(order, two[0]) == before


def test_what_does_not_exist_is_404(desk: Client, db: None):
    for name in ("entries", "columns", "green", "entry"):
        assert desk.get(url(name, uuid.uuid4())).status_code == 404


def test_nothing_is_added_changed_or_deleted_by_hand(two, desk: Client):
    statement = two[0].statement_id
    for address in (f"{FILES}add/", f"{FILES}{statement}/delete/"):
        assert desk.get(address).status_code == 403
        assert desk.post(address).status_code == 403
    assert desk.post(f"{FILES}{statement}/change/").status_code == 403
    assert desk.get(f"{FILES}{statement}/change/").url == url("entries", statement)
    statement_lines.ignore_line(actor=UserFactory(is_staff=True, is_superuser=True), line_id=two[0].pk, note="x")
