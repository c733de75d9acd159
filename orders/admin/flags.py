"""What a moderator should look at twice in a proof."""

import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _

from marketplace.money import format_money
from orders.models import PaymentProof
from orders.selectors import REJECTIONS_BEFORE_STAFF_ONLY
from orders.states import Custody


@dataclass(frozen=True)
class Flag:
    """Words with a tone of the design system (info, wait, problem)."""

    label: str
    tone: str


def flags_of(proof: PaymentProof) -> list[Flag]:
    """The flags of a proof that comes from `with_earlier_uses`."""
    order = proof.order
    flags = [
        (proof.reference_seen, _("Reference used before"), "problem"),  # type: ignore[attr-defined]
        (proof.file_seen, _("Receipt used before"), "problem"),  # type: ignore[attr-defined]
        (
            proof.amount != order.expected_amount,
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


def names_match(payer: str, client: str) -> bool:
    """Whether the payer bears all the client's names, in any order, case and spelling of accents: OKAFOR AMARA, Amara Okafor."""
    return bool(_names(client)) and _names(client) <= _names(payer)


def _names(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return set("".join(c if c.isalnum() else " " for c in plain).split())
