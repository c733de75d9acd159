"""The accounts people want to be paid to. A row never changes: an edit archives it and makes a new one."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.encryption import mask
from orders.bank_accounts import AccountRefused, checked_account
from orders.exceptions import ActionNotAllowed, DisbursementRefused
from orders.models import Disbursement, PayoutAccount
from orders.selectors import PAY_OUT, may
from orders.selectors.payouts import is_of_platform
from orders.services.escrow import note_disbursement
from orders.services.telling import tell_of_account
from orders.states import DisbursementAction, DisbursementState


@transaction.atomic
def save_payout_account(*, actor: User, kind: str, currency: str, holder: str, account: str, routing: str = "") -> PayoutAccount:
    """Keep an account of the person's own, its number encrypted, and mail them that it was added.

    AccountRefused where nobody could pay to it, and for an account of the platform's own.
    """
    if is_of_platform(account):
        words = _("This is an account of this site, into which clients pay. Write down one of your own.")
        raise AccountRefused(words, "account")
    kept = keep_account(owner=actor, kind=kind, currency=currency, holder=holder, account=account, routing=routing)
    tell_of_account(kept)
    return kept


@transaction.atomic
def archive_payout_account(*, actor: User, account_id: UUID) -> None:
    """Offer the account no longer. DisbursementRefused while money is on its way to it."""
    account = PayoutAccount.objects.select_for_update().get(pk=account_id)
    if account.owner_id != actor.pk:
        raise ActionNotAllowed(_("This account is not yours."))
    if account.disbursements.filter(state__in=(DisbursementState.REQUESTED, DisbursementState.APPROVED)).exists():
        raise DisbursementRefused(_("Money is about to be sent to this account. Withdraw the request first, or wait for it."))
    account.is_active = False
    account.save(update_fields=["is_active"])


@transaction.atomic
def set_return_account(
    *, actor: User, row_id: UUID, seen: int, kind: str, holder: str, account: str, routing: str = ""
) -> Disbursement:
    """Staff write down where money that fits no order goes back to, as the statement or the payer says."""
    row = Disbursement.objects.select_for_update(of=("self",)).get(pk=row_id)
    if not may(actor, PAY_OUT) or row.person_id == actor.pk:
        raise ActionNotAllowed(_("This money is not yours to decide about."))
    if row.kind != Disbursement.Kind.RETURN or row.state != DisbursementState.REQUESTED or row.version != seen:
        raise DisbursementRefused(_("This return has moved on. Look at it again."))
    row.account = keep_account(owner=None, kind=kind, currency=row.currency, holder=holder, account=account, routing=routing)
    note_disbursement(row, DisbursementAction.RETRY, actor, timezone.now(), row.account.masked)
    return row


def keep_account(*, owner: User | None, kind: str, currency: str, holder: str, account: str, routing: str = "") -> PayoutAccount:
    """Without an owner: where a payer's money goes back to. AccountRefused where nobody could pay to it."""
    account, routing = checked_account(kind=kind, currency=currency, account=account, routing=routing)
    return PayoutAccount.objects.create(
        owner=owner,
        kind=kind,
        currency=currency,
        holder=holder,
        account=account,
        masked=mask(account),
        routing=routing,
        created_at=timezone.now(),
    )
