"""What of payouts and refunds the API takes and gives, and of the accounts they go to."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import Field

from accounts.models import User
from accounts.schemas import PersonBrief, brief
from marketplace.money import plain_amount
from marketplace.rest.schemas import Amount, Asked, Currency, Id, Line, Page, Shown, ShownInstant, whole
from orders.models import Disbursement, PayoutAccount
from orders.schemas.balance import OrderNamed, order_named
from orders.schemas.orders import KindName
from orders.schemas.rows import address
from orders.states import DisbursementState as At

PayoutState = Literal["requested", "approved", "sent", "confirmed", "failed", "withdrawn"]
PayoutStep = Literal["withdraw", "confirm", "retry"]
RefundStep = Literal["account", "sent", "confirm"]
RefundReason = Literal["declined", "late", "cancelled", "partial", "settled", "ruled", "surplus"]
LONGEST_REFERENCE = Disbursement._meta.get_field("reference").max_length or 0


# --- What a program sends -------------------------------------------------------------------------------------------
class Seen(Asked):
    """`version` is the one you saw: an outdated one is refused with 409. Left out, the step is taken as things are now."""

    version: Annotated[int, whole(1, 2**31 - 1)] | None = None


class NewPayout(Asked):
    currency: Currency
    amount: Amount
    account_id: Id = Field(description="Of one of your accounts in this currency: see GET /payout-accounts.")


class Retry(Seen):
    account_id: Id | None = Field(None, description="Of another account of yours; left out, it is sent to the same one again.")


class RefundAccount(Seen):
    account_id: Id = Field(description="Of one of your accounts in the currency of the refund.")


class RefundSending(Seen):
    reference: Annotated[str, Line(LONGEST_REFERENCE)] = Field(description="As your bank or wallet shows it for this transfer.")
    receipt_id: Id | None = Field(None, description="Of a file handed in before with POST /attachments: the receiver sees it.")


# --- What it gets ---------------------------------------------------------------------------------------------------
class PayoutAccountShown(Shown):
    """An account of yours. Its number is shown masked, and it is never changed: a new one is added on the website."""

    id: UUID
    kind: KindName
    currency: str
    holder: str
    account: str = Field(description="Masked.", examples=["DE•• •••• 3000"])
    is_active: bool
    created_at: ShownInstant


class PayoutAccountPage(Page[PayoutAccountShown]):
    """A part of the list of your accounts."""


class _Sending(Shown):
    """Money on its way: what payouts and refunds have in common."""

    id: UUID
    amount: str
    currency: str
    state: PayoutState
    version: int
    account: PayoutAccountShown | None = Field(description="Where it goes; null until somebody says so.")
    sent_at: ShownInstant | None
    reference: str | None = Field(description="The bank's or wallet's own, when it was sent.")
    proof_url: str | None = Field(description="Of the receipt, where whoever sent it added one.")
    failure: str | None = Field(description="Why it did not go through, if it did not.")
    created_at: ShownInstant


class PayoutShown(_Sending):
    """A part of your balance that you have asked for. `actions` are what you can do about it now."""

    actions: list[PayoutStep]


class PayoutPage(Page[PayoutShown]):
    """A part of the list of your payouts."""


class RefundShown(_Sending):
    """Money that goes back to the client of an order. `actions` are what you can do about it now.

    `owed_by` is the freelancer who was paid directly and sends it back; null where this site sends it.
    """

    order: OrderNamed
    reason: RefundReason
    to: PersonBrief
    owed_by: PersonBrief | None
    not_before: ShownInstant | None = Field(description="A ruling can be appealed until then; it is not sent before.")
    actions: list[RefundStep]


class RefundPage(Page[RefundShown]):
    """A part of the list of refunds."""


class WholeAccount(Shown):
    kind: KindName
    holder: str
    account: str
    routing: str


class SendTo(Shown):
    """Where a refund goes that you send yourself. `account` is null until the client has named one."""

    amount: str
    currency: str
    account: WholeAccount | None


# --- How rows become these ------------------------------------------------------------------------------------------
def account_shown(account: PayoutAccount) -> PayoutAccountShown:
    names = ("kind", "currency", "holder", "is_active", "created_at")
    return PayoutAccountShown(id=account.pk, account=account.masked, **{name: getattr(account, name) for name in names})


def send_to(row: Disbursement) -> SendTo:
    account = row.account
    names = ("kind", "holder", "account", "routing")
    return SendTo(
        amount=plain_amount(row.amount, row.currency),
        currency=row.currency,
        account=WholeAccount(**{name: getattr(account, name) for name in names}) if account else None,
    )


def payout_shown(row: Disbursement, *, may_act: bool) -> PayoutShown:
    return PayoutShown(**_sending(row), actions=_payout_steps(row) if may_act else [])


def refund_shown(row: Any, viewer: User, *, may_act: bool) -> RefundShown:
    """As this side sees it. Whose row it is not is somebody else's to fetch with it."""
    to = viewer if row.person_id == viewer.pk else row.person
    owed_by = viewer if row.payer_id == viewer.pk else row.payer
    return RefundShown(
        **_sending(row),
        order=order_named(row.order),
        reason=row.reason,
        to=brief(to),
        owed_by=brief(owed_by) if owed_by else None,
        not_before=row.not_before,
        actions=refund_steps(row, viewer) if may_act else [],
    )


def _sending(row: Disbursement) -> dict[str, Any]:
    return {
        "id": row.pk,
        "amount": plain_amount(row.amount, row.currency),
        "currency": row.currency,
        "state": row.state,
        "version": row.version,
        "account": account_shown(row.account) if row.account else None,
        "sent_at": row.sent_at,
        "reference": row.reference or None,
        "proof_url": address(f"{row.kind}s", row.pk, "proof") if row.proof else None,
        "failure": row.failure if row.state == At.FAILED else None,
        "created_at": row.created_at,
    }


def _payout_steps(row: Disbursement) -> list[PayoutStep]:
    open_to: dict[str, list[PayoutStep]] = {
        At.REQUESTED: ["withdraw"],
        At.SENT: ["confirm"],
        At.FAILED: ["retry", "withdraw"],
    }
    return open_to.get(row.state, [])


def refund_steps(row: Disbursement, viewer: User) -> list[RefundStep]:
    """What this side can do about a refund now."""
    is_waiting = row.state in (At.REQUESTED, At.FAILED)
    if row.payer_id == viewer.pk:
        is_early = row.not_before is not None and timezone.now() < row.not_before
        return ["sent"] if is_waiting and not is_early else []
    return ["account"] if is_waiting else ["confirm"] if row.state == At.SENT else []
