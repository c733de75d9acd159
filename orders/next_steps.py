"""What happens next: for every status and side, whose turn it is, until when, and what happens if nobody acts."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.money import format_money
from orders.models import Order
from orders.selectors import freelancer_verifies
from orders.states import Custody, Role, Status

Words = str | Promise


@dataclass(frozen=True)
class NextStep:
    """`turn` is you, them, platform or nobody; `deadline_at` an instant (UTC) or None."""

    turn: str
    headline: str
    text: str
    deadline_at: datetime | None
    if_nobody: str

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed and somebody is still awaited."""
        return self.turn != "nobody" and self.deadline_at is not None and self.deadline_at < timezone.now()


@dataclass(frozen=True)
class Row:
    """One cell of the table; the words may name %(amount)s, %(client)s, %(freelancer)s, %(reference)s and %(support)s."""

    turn: str
    headline: Words
    text: Words
    if_nobody: Words = ""
    deadline: str = ""  # the order's attribute that holds the instant


STAYS_HELD = _(
    "Nothing moves by itself: the money stays in escrow. After this time either of you can ask a moderator to step in."
)
STAYS_DIRECT = _("Nothing moves by itself: the order stays as it is. The money is with the freelancer, not with this site.")
STAYS_WITH_YOU = _("Nothing moves by itself: the order stays as it is. The money is with you, not with this site.")

# The keys are a status and a side. Where custody or history changes the words, `_variant` names another key.
TABLE: dict[tuple[str, Role], Row] = {
    (Status.PENDING_PAYMENT, Role.CLIENT): Row(
        "you",
        _("Pay %(amount)s, then hand in your proof"),
        _("Pay into the account below and write the reference %(reference)s into the payment. Then come back with the receipt."),
        _("Nothing is charged. The order stays open until one of you cancels it."),
        "pay_by",
    ),
    ("again", Role.CLIENT): Row(
        "you",
        _("Your proof was not accepted: hand in another one"),
        _("Read below what was wrong. If the payment itself was wrong, ask a moderator before you pay again."),
        _("The order stays open and unpaid until you hand in a proof that holds, or one of you cancels it."),
        "pay_by",
    ),
    ("again", Role.FREELANCER): Row(
        "them",
        _("Waiting for %(client)s to hand in another proof"),
        _("The last one was not accepted. Do not start yet. You are told as soon as a payment is confirmed."),
        _("The order stays open. A payment may be on its way, so only %(client)s can cancel it. You can ask a moderator."),
        "pay_by",
    ),
    (Status.PENDING_PAYMENT, Role.FREELANCER): Row(
        "them",
        _("Waiting for %(client)s to pay"),
        _("Do not start yet. You are told as soon as the payment is confirmed."),
        _("Nothing is owed. You can cancel the order as long as nothing is paid."),
        "pay_by",
    ),
    (Status.PAYMENT_SUBMITTED, Role.CLIENT): Row(
        "platform",
        _("We are checking your payment"),
        _("A moderator compares your receipt with the account. You need not do anything."),
        _("Your proof stays in the queue until a person has decided. No clock confirms or refuses a payment."),
        "review_due_at",
    ),
    (Status.PAYMENT_SUBMITTED, Role.FREELANCER): Row(
        "platform",
        _("The payment is being checked"),
        _("A moderator compares the receipt with the account. Do not start before it is confirmed."),
        _("The proof stays in the queue until a person has decided."),
        "review_due_at",
    ),
    ("direct check", Role.CLIENT): Row(
        "them",
        _("%(freelancer)s is checking your payment"),
        _("You paid the freelancer directly, so they look for the money on their own account."),
        _("The order stays as it is until %(freelancer)s or a moderator has decided."),
        "review_due_at",
    ),
    ("direct check", Role.FREELANCER): Row(
        "you",
        _("Look for %(amount)s on your account"),
        _("%(client)s says it is paid. Confirm only what you see on your account with the reference %(reference)s."),
        _("The order stays as it is. A moderator can step in and decide."),
        "review_due_at",
    ),
    ("staff check", Role.FREELANCER): Row(
        "platform",
        _("A moderator checks this payment"),
        _("Three proofs were turned down, so a moderator decides about this one."),
        _("The proof stays in the queue until a moderator has decided."),
        "review_due_at",
    ),
    (Status.PAYMENT_CONFIRMED, Role.CLIENT): Row(
        "them",
        _("Paid. %(freelancer)s can start now"),
        _("Your payment is confirmed and held in escrow. The delivery time runs from the moment the work is started."),
        STAYS_HELD,
        "accept_by",
    ),
    (Status.PAYMENT_CONFIRMED, Role.FREELANCER): Row(
        "you",
        _("The money is here: start the work"),
        _("%(amount)s is held in escrow for this order. Press start when you begin; the delivery time runs from then."),
        STAYS_HELD,
        "accept_by",
    ),
    (Status.IN_PROGRESS, Role.CLIENT): Row(
        "them",
        _("%(freelancer)s is working"),
        _("You are told when the work is delivered. Then you check it and approve it or ask for changes."),
        STAYS_HELD,
        "due_at",
    ),
    (Status.IN_PROGRESS, Role.FREELANCER): Row(
        "you",
        _("Do the work and deliver it"),
        _("Hand over files or links with a note. You are paid when %(client)s approves."),
        STAYS_HELD,
        "due_at",
    ),
    (Status.SUBMITTED, Role.CLIENT): Row(
        "you",
        _("Check the delivery and decide"),
        _("Open everything first: approving takes %(amount)s out of escrow for %(freelancer)s. Or say what is to be changed."),
        STAYS_HELD,
        "auto_approve_at",
    ),
    (Status.SUBMITTED, Role.FREELANCER): Row(
        "them",
        _("%(client)s is checking your delivery"),
        _("You are told when it is approved, or what is to be changed."),
        STAYS_HELD,
        "auto_approve_at",
    ),
    (Status.REVISION_REQUESTED, Role.CLIENT): Row(
        "them",
        _("%(freelancer)s is making your changes"),
        _("You are told when the new version is delivered."),
        STAYS_HELD,
        "due_at",
    ),
    (Status.REVISION_REQUESTED, Role.FREELANCER): Row(
        "you",
        _("Make the changes and deliver again"),
        _("%(client)s has listed what is to be changed below."),
        STAYS_HELD,
        "due_at",
    ),
    (Status.COMPLETED, Role.CLIENT): Row(
        "nobody",
        _("Done. The money is released"),
        _("You approved the work. %(amount)s left escrow for %(freelancer)s, less the fee."),
    ),
    (Status.COMPLETED, Role.FREELANCER): Row(
        "nobody",
        _("Done. The money is yours"),
        _(
            "%(client)s approved the work. %(amount)s less the fee is yours. When the hold is over a moderator pays it out "
            "by hand: write to %(support)s which account it should go to."
        ),
        "",
        "hold_until",
    ),
    (Status.CANCELLED, Role.CLIENT): Row("nobody", _("This order is cancelled"), _("Nothing was paid and nothing is owed.")),
    (Status.CANCELLED, Role.FREELANCER): Row("nobody", _("This order is cancelled"), _("Nothing was paid and nothing is owed.")),
    (Status.EXPIRED, Role.CLIENT): Row(
        "nobody", _("This order has expired"), _("No payment was handed in. If you have paid, tell a moderator.")
    ),
    (Status.EXPIRED, Role.FREELANCER): Row("nobody", _("This order has expired"), _("No payment was handed in.")),
    (Status.DISPUTED, Role.CLIENT): Row("platform", _("A dispute is open"), _("The money is frozen until it is settled.")),
    (Status.DISPUTED, Role.FREELANCER): Row("platform", _("A dispute is open"), _("The money is frozen until it is settled.")),
}
DIRECT_WORDS: dict[tuple[str, Role], Row] = {
    (Status.PAYMENT_CONFIRMED, Role.CLIENT): Row(
        "them",
        _("Paid. %(freelancer)s can start now"),
        _("%(freelancer)s has your money. This site records the payment but does not hold it."),
        STAYS_DIRECT,
        "accept_by",
    ),
    (Status.PAYMENT_CONFIRMED, Role.FREELANCER): Row(
        "you",
        _("You are paid: start the work"),
        _("You confirmed %(amount)s on your account. Press start when you begin; the delivery time runs from then."),
        STAYS_DIRECT,
        "accept_by",
    ),
    (Status.IN_PROGRESS, Role.FREELANCER): Row(
        "you",
        _("Do the work and deliver it"),
        _("Hand over files or links with a note. %(client)s then approves or asks for changes."),
        STAYS_DIRECT,
        "due_at",
    ),
    (Status.SUBMITTED, Role.CLIENT): Row(
        "you",
        _("Check the delivery and decide"),
        _("Open everything before you approve: approving closes the order. Or say what is to be changed."),
        STAYS_DIRECT,
        "auto_approve_at",
    ),
    (Status.COMPLETED, Role.CLIENT): Row("nobody", _("Done"), _("You approved the work. %(freelancer)s was paid directly.")),
    (Status.COMPLETED, Role.FREELANCER): Row("nobody", _("Done"), _("%(client)s approved the work. You were paid directly.")),
}


def next_step(order: Order, side: Role) -> NextStep:
    """What comes next as this side (client or freelancer) sees it, in the active language; a moderator reads the client's."""
    row = _row(order, side if side in (Role.CLIENT, Role.FREELANCER) else Role.CLIENT)
    names = {
        "amount": format_money(order.expected_amount, order.currency),
        "client": order.client.get_short_name(),
        "freelancer": order.freelancer.get_short_name(),
        "reference": order.payment_reference,
        "support": settings.SUPPORT_EMAIL,
    }
    if_nobody = row.if_nobody
    if order.custody == Custody.DIRECT and if_nobody in (STAYS_HELD, STAYS_DIRECT):
        if_nobody = STAYS_WITH_YOU if side == Role.FREELANCER else STAYS_DIRECT
    return NextStep(
        turn=row.turn,
        headline=str(row.headline) % names,
        text=str(row.text) % names,
        deadline_at=getattr(order, row.deadline) if row.deadline else None,
        if_nobody=str(if_nobody) % names,
    )


def _row(order: Order, side: Role) -> Row:
    usual = TABLE[order.status, side]
    if order.custody == Custody.DIRECT:
        usual = DIRECT_WORDS.get((order.status, side), usual)
    return TABLE.get((_variant(order), side), usual)


def _variant(order: Order) -> str:
    """The key of TABLE that goes before the status, where what happened to the proofs changes what comes next; "" elsewhere."""
    if order.status == Status.PENDING_PAYMENT and order.proofs_rejected:
        return "again"
    if order.status == Status.PAYMENT_SUBMITTED and order.custody == Custody.DIRECT:
        return "direct check" if freelancer_verifies(order) else "staff check"
    return ""
