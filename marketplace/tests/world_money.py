"""Money on its way out, and statements of what came in, at the moments at which something is due about them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from marketplace.tests.world_orders import Due
from orders.models import Disbursement, Order, PayoutAccount, StatementLine
from orders.services import lifecycle, payout_batches, payouts, statement_lines
from orders.services.payout_accounts import save_payout_account
from orders.services.receipts import issue_receipts
from orders.states import Custody, Status
from orders.tests.factories import a_receipt, order_in
from orders.tests.test_statements_import import imported, received, row, table

IBAN, WALLET = "NL91ABNA0417164300", "+254 733 000 111"  # of people who are paid out; nothing else in the world has them
NEW_IBAN, PAYERS_IBAN = "GB29NWBK60161331926819", "FR1420041010050500013M02606"
BANK = {"kind": "bank", "currency": "EUR", "holder": "José Ñíguez", "account": IBAN}


def payouts_due(client: User, freelancer: User, moderator: User) -> Due:
    """What people do about their own money, what the payout desk does about it, and a receipt."""
    sides = {"client": client, "freelancer": freelancer}
    earned, _in_dollars = cleared(client, freelancer), cleared(client, freelancer, "USD")
    issue_receipts(now=timezone.now())
    unused, account, clients = (save_payout_account(actor=owner, **BANK) for owner in (freelancer, freelancer, client))
    dollars = save_payout_account(actor=freelancer, **BANK | {"currency": "USD"})

    def take(service: Callable[..., Disbursement], of: Disbursement, **more: object) -> Disbursement:
        return service(actor=moderator, row_id=of.pk, seen=of.version, **more)

    def asked(to: PayoutAccount = account) -> Disbursement:
        return payouts.request_payout(actor=to.owner, account_id=to.pk, amount=Decimal(100))

    def approved(kind: dict[str, str]) -> Disbursement:
        """Of somebody else: nobody asks for a second payout while one waits."""
        other = UserFactory()
        cleared(client, other)
        return take(payouts.approve, asked(save_payout_account(actor=other, **BANK | kind)))

    def dispatched() -> Disbursement:
        return take(payouts.send, take(payouts.approve, asked()), reference="B-1", proof=a_receipt())

    def declined(custody: Custody) -> Disbursement:
        order = order_in(Status.PAYMENT_CONFIRMED, custody=custody, **sides)
        return lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version).disbursements.get()

    approved({"kind": "mobile", "account": WALLET})
    batch = payout_batches.create_batch(actor=moderator, currency="EUR")
    sent, ready, new = dispatched(), approved({}), asked(dollars)
    failed = take(payouts.fail, dispatched(), note="The account is closed.")
    refund, owed = declined(Custody.PLATFORM), declined(Custody.DIRECT)
    now = timezone.now()
    of_rows = {
        "orders:withdraw_payout": (new, {}),
        "orders:retry_payout": (failed, {"account_id": account.pk}),
        "orders:confirm_received": (sent, {}),
        "orders:sent_proof": (sent, {}),
        "orders:refund_account": (refund, {"account_id": clients.pk}),
        "orders:refund_sent": (owed, {"send-seen": owed.version, "send-reference": "BACK-1"}),
        "admin:orders_disbursement_desk": (new, {}),
        "admin:orders_disbursement_proof": (sent, {}),
        "admin:orders_disbursement_approve": (new, {}),
        "admin:orders_disbursement_send": (ready, {"send-seen": ready.version, "send-reference": "B-2"}),
        "admin:orders_disbursement_fail": (sent, {"fail-seen": sent.version, "fail-note": "The account is closed."}),
        "admin:orders_disbursement_retry": (failed, {}),
        "admin:orders_disbursement_confirm": (sent, {}),
    }
    return {
        **{name: ({"row_id": of.pk}, {"seen": of.version, **form}) for name, (of, form) in of_rows.items()},
        "orders:order_receipt": ({"order_id": earned.pk}, {}),
        "orders:balance_month": ({"year": now.year, "month": now.month}, {}),
        "orders:request_payout": ({}, {"amount": "10", "account_id": account.pk}),
        "orders:payout_account_create": ({}, BANK | {"account": NEW_IBAN, "routing": ""}),
        "orders:payout_account_archive": ({"account_id": unused.pk}, {}),
        "admin:orders_disbursement_approve_all": ({}, {"row": f"{new.pk}:{new.version}"}),
        "admin:orders_payoutbatch_collect": ({}, {"currency": "EUR"}),
        "admin:orders_payoutbatch_rows": ({"batch_id": batch.pk}, {}),
        "admin:orders_payoutbatch_export": ({"batch_id": batch.pk}, {"as": "list"}),
    }


def cleared(client: User, freelancer: User, currency: str = "EUR") -> Order:
    """A completed order whose money can be paid out."""
    gig = GigFactory(freelancer=freelancer, price=Decimal(500), currency=currency)
    order = order_in(Status.COMPLETED, client=client, freelancer=freelancer, gig=gig)
    Order.objects.filter(pk=order.pk).update(hold_until=timezone.now() - timedelta(minutes=1))
    return order


def entries_due(client: User, freelancer: User, moderator: User) -> Due:
    """The statement desk, and an amount that goes back to an unknown payer."""
    sides = {"client": client, "freelancer": freelancer}
    awaited, known = order_in(**sides), order_in(Status.PAYMENT_CONFIRMED, verifier=moderator, **sides)
    method = awaited.payment_method
    deposits = {awaited.payment_reference: "120.00", "Gift": "5.00", "Refund": "7.00", "Donation": "9.00"}
    rows = [row(text, amount, bank_id=f"B{amount}") for text, amount in deposits.items()]
    statement = imported(method, table(*rows, row("Broken", amount="oops")), actor=moderator)
    fitting, strange, parked, going = statement.lines.order_by("position")
    counted = imported(known.payment_method, table(row(known.payment_reference, bank_id="B9")), actor=moderator).lines.get()
    for line in (parked, going):
        statement_lines.suspend_line(actor=moderator, line_id=line.pk)
    to = {"kind": "bank", "holder": "Li Wei", "account": PAYERS_IBAN}
    back = statement_lines.return_line(actor=moderator, line_id=going.pk, **to)
    waiting = received(method, moderator, table(row("Late", bank_id="C1")))

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("december.csv", table(row("Later", bank_id="C2")))

    of_lines: dict[str, tuple[StatementLine, dict[str, object]]] = {
        "entry": (fitting, {}),
        "confirm": (fitting, {"confirm-seen": awaited.version}),
        "other": (strange, {"other-reference": awaited.payment_reference}),
        "link": (counted, {}),
        "suspend": (strange, {}),
        "return": (parked, {f"return-{name}": value for name, value in to.items()}),
        "ignore": (strange, {"note-note": "A present."}),
    }
    of_files = {
        "entries": (statement, {}),
        "columns": (statement, {"mapping-date": "Date", "mapping-amount": "Amount", "mapping-header_row": "1"}),
        "discard": (waiting, {}),
        "again": (statement, {}),
        "green": (statement, {"line": fitting.pk}),
    }
    account = {f"account-{name}": value for name, value in {**to, "account": NEW_IBAN, "seen": back.version}.items()}
    desk = "admin:orders_bankstatement_"
    return {
        **{f"{desk}{name}": ({"line_id": of.pk}, form) for name, (of, form) in of_lines.items()},
        **{f"{desk}{name}": ({"statement_id": of.pk}, form) for name, (of, form) in of_files.items()},
        f"{desk}upload": ({}, {"upload-method": method.pk, "upload-file": file}),
        f"{desk}resolve": ({"row_id": statement.unreadable.get().pk}, {"note-note": "A broken row."}),
        "admin:orders_disbursement_account": ({"row_id": back.pk}, account),
    }
