"""Approved payouts and refunds of one currency, exported as one file for a bank. Exporting moves no money and no state."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.exceptions import DomainError
from orders.bank_accounts import bic_of
from orders.exceptions import ActionNotAllowed, DisbursementRefused
from orders.models import Disbursement, PayoutBatch
from orders.payment_files import Debtor, Payment, fits_sepa, payments_csv, sepa_file
from orders.selectors import PAY_OUT, may
from orders.selectors.payout_desk import list_batchable, list_batched, list_batches
from orders.services.payouts import approve
from orders.services.turns import Turn, take_turns

ApprovedAndRefused = tuple[int, list[tuple[Disbursement, str]]]


def approve_all(*, actor: User, seen: dict[UUID, int]) -> ApprovedAndRefused:
    """Approve each of these rows on its own, by id and version; returns how many, and why the others were not."""
    approved, refused = 0, []
    for row_id, version in seen.items():
        try:
            approve(actor=actor, row_id=row_id, seen=version)
            approved += 1
        except DomainError as refusal:
            refused.append((Disbursement.objects.get(pk=row_id), refusal.message))
    return approved, refused


@transaction.atomic
def create_batch(*, actor: User, currency: str) -> PayoutBatch:
    """Put every approved payout, refund and return of a currency that stands in no batch into a new one.

    Raises DisbursementRefused where there is none.
    """
    if not may(actor, PAY_OUT):
        raise ActionNotAllowed(_("You may not send money."))
    now = timezone.now()
    rows = list(list_batchable(actor, now).filter(currency=currency).select_for_update(of=("self",)))
    if not rows:
        raise DisbursementRefused(_("Nothing in %(currency)s is approved and waits for a batch.") % {"currency": currency})
    take_turns(Turn.PAYOUT_BATCHES)
    number = (PayoutBatch.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    batch = PayoutBatch.objects.create(number=number, currency=currency, created_by=actor, created_at=now)
    Disbursement.objects.filter(pk__in=[row.pk for row in rows]).update(batch=batch)
    return batch


@transaction.atomic
def export_batch(*, actor: User, batch_id: int, as_list: bool = False) -> tuple[str, bytes]:
    """The batch as a file (name, content): SEPA for euros to IBANs, CSV for other currencies; again, the same file.

    `as_list` gives as CSV what the SEPA file leaves out. Failed rows are left out. Raises DisbursementRefused where nothing is
    left, or where SEPA_DEBTOR_* are not set.
    """
    batch = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
    if not list_batches(actor).filter(pk=batch_id).exists():
        raise ActionNotAllowed(_("You may not send this money: some of it is yours, or paying out is not your task."))
    payments = [payment_of(row) for row in list_batched(batch)]
    in_sepa = batch.currency == "EUR" and not as_list
    payments = [payment for payment in payments if batch.currency != "EUR" or fits_sepa(payment) == in_sepa]
    if not payments:
        raise DisbursementRefused(_("There is nothing in this batch for such a file."))
    if batch.exported_at is None:
        batch.exported_at, batch.exported_by = timezone.now(), actor
        batch.save(update_fields=["exported_at", "exported_by"])
    name = f"payouts-{batch.number}-{batch.currency}"
    if not in_sepa:
        return f"{name}.csv", payments_csv(payments)
    return f"{name}.xml", _sepa(batch, payments, batch.exported_at)


def _sepa(batch: PayoutBatch, payments: list[Payment], at: datetime) -> bytes:
    iban = settings.SEPA_DEBTOR_IBAN
    if not iban:
        raise DisbursementRefused(_("Set SEPA_DEBTOR_NAME and SEPA_DEBTOR_IBAN first: see docs/operations.md."))
    debtor = Debtor(settings.SEPA_DEBTOR_NAME, iban, settings.SEPA_DEBTOR_BIC or bic_of(iban))
    return sepa_file(debtor=debtor, payments=payments, message_id=f"PAYOUTS-{batch.number}-{batch.created_at:%Y%m%d}", at=at)


def payment_of(row: Disbursement) -> Payment:
    """An approved row as it stands in a file, with the whole account number."""
    if row.account is None:
        raise ValueError(f"{row} was approved without an account.")
    what = row.order.payment_reference if row.order else row.get_kind_display()
    return Payment(
        id=row.pk.hex,
        holder=row.account.holder,
        kind=row.account.kind,
        account=row.account.account,
        routing=row.account.routing,
        amount=row.amount,
        currency=row.currency,
        text=f"{settings.SITE_NAME} {what}",
    )
