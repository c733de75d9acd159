"""What a moderator should look at twice in a proof."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from marketplace.money import format_money
from orders.matching import names_match
from orders.models import PaymentProof
from orders.selectors import REJECTIONS_BEFORE_STAFF_ONLY
from orders.states import Custody


@dataclass(frozen=True)
class Flag:
    """Words with a tone of the design system (neutral, info, wait, ok, problem)."""

    label: str
    tone: str


def due_for(proof: PaymentProof) -> Decimal:
    """What a proof should show: what is due of the order; once it is verified, what was found."""
    return proof.verified_amount if proof.verified_amount is not None else proof.order.amount_due


def flags_of(proof: PaymentProof) -> list[Flag]:
    """The flags of a proof that comes from `with_earlier_uses`."""
    order = proof.order
    flags = [
        (proof.reference_seen, _("Reference used before"), "problem"),  # type: ignore[attr-defined]
        (proof.file_seen, _("Receipt used before"), "problem"),  # type: ignore[attr-defined]
        (not proof.receipt and not proof.entered_by_id, _("No receipt"), "wait"),
        (
            proof.amount != due_for(proof),
            _("Claims %(amount)s") % {"amount": format_money(proof.amount, order.currency)},
            "problem",
        ),
        (proof.paid_at < order.created_at, _("Paid before the order"), "wait"),
        (not names_match(proof.payer_name, order.client.full_name), _("Another name paid"), "wait"),
        (order.proofs_rejected >= REJECTIONS_BEFORE_STAFF_ONLY, _("Rejected three times"), "wait"),
        (order.custody == Custody.DIRECT, _("Paid to the freelancer"), "info"),
        (bool(proof.first_confirmed_by_id), _("Signed by %(name)s") % {"name": proof.first_confirmed_by}, "info"),
    ]
    return [Flag(label, tone) for applies, label, tone in flags if applies]
