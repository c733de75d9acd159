"""QR codes of a payment: "Girocode" (EPC069-12) where a banking app can fill in the transfer by itself, plain text elsewhere."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import segno
from django.utils.translation import gettext as _
from segno import helpers

from marketplace.money import format_money, plain_amount
from orders.iban import compact, is_bic, is_sepa_iban
from orders.models import Order, PaymentMethod

NEEDS_BIC = {"AD", "AL", "CH", "GB", "GI", "MC", "MD", "ME", "MK", "RS", "SM", "VA"}  # outside the European Economic Area
MAX_NAME = 70  # characters, of EPC069-12
MAX_NAME_BYTES = 160  # so that the whole code stays below the 331 bytes of EPC069-12


def epc_args(order: Order) -> dict[str, Any] | None:
    """What a Girocode for this order says, as segno's `make_epc_qr` takes it; None when no banking app could read one."""
    if order.pay_to_kind != PaymentMethod.Kind.BANK or order.currency != "EUR" or not is_sepa_iban(order.deposit_address):
        return None
    iban, routing = compact(order.deposit_address), compact(order.pay_to_routing)
    bic = routing if is_bic(routing) else None
    if bic is None and iban[:2] in NEEDS_BIC:
        return None
    return {
        "name": order.pay_to_holder[:MAX_NAME].encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(),
        "iban": iban,
        "bic": bic,
        "amount": plain_amount(order.amount_due, order.currency),
        "text": order.payment_reference,
        "encoding": "utf-8",
    }


def payment_text(order: Order) -> str:
    """Everything a payer needs, one thing a line."""
    lines = [
        (_("Pay"), format_money(order.amount_due, order.currency)),
        (_("To"), order.pay_to_holder),
        (_("Account"), order.deposit_address),
        (_("Bank and routing"), order.pay_to_routing),
        (_("Reference"), order.payment_reference),
    ]
    return "\n".join(f"{label}: {value}" for label, value in lines if value)


TEXTS: dict[str, Callable[[Order], str]] = {
    "payment": payment_text,
    "account": lambda order: order.deposit_address,
    "amount": lambda order: plain_amount(order.amount_due, order.currency),
    "reference": lambda order: order.payment_reference,
}


def code_for(order: Order, what: str) -> segno.QRCode:
    """The code of one of TEXTS; `payment` is a Girocode where it can be one."""
    girocode = epc_args(order) if what == "payment" else None
    return helpers.make_epc_qr(**girocode) if girocode else segno.make_qr(TEXTS[what](order), error="m", boost_error=False)


def as_svg(code: segno.QRCode) -> bytes:
    """Black on white with its quiet zone, in both colour schemes: cameras want dark on light."""
    out = BytesIO()
    code.save(out, kind="svg", light="#ffffff", border=4, omitsize=True, svgclass=None, lineclass=None)
    return out.getvalue()
