"""Showing a payment: the proof, with its receipt at once or afterwards."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import File
from ninja import UploadedFile as Upload

from accounts.gates import begins_itself, trader
from accounts.models import User
from marketplace.rest.errors import Refusal
from marketplace.rest.multipart import JsonOrForm, described_form, file_of
from marketplace.uploads import CheckedFile, check_receipt
from orders.api.addresses import router
from orders.api.steps import Step, note_address, take
from orders.models import Order
from orders.schemas.steps import StepAsked, SubmitPayment
from orders.schemas.whole import OrderShown
from orders.services import payments
from orders.services.handed_in import take_receipt
from orders.states import Action

RECEIPT = "receipt"
FILE = "file"


def _attach(*, actor: User, order_id: UUID, seen: int, receipt: CheckedFile) -> Order:
    """It looks at the order as it is: nothing is decided by adding a receipt."""
    return payments.attach_receipt(actor=actor, order_id=order_id, receipt=receipt)


def _proof(actor: User, order: Order, asked: SubmitPayment, upload: "UploadedFile[Any] | None" = None) -> dict[str, Any]:
    return {
        "transaction_reference": asked.proof_reference,
        "payer_name": asked.payer_name,
        "amount": Decimal(asked.amount),
        "paid_at": asked.paid_at,
        "receipt": _receipt(actor, asked, upload),
    }


def _receipt(actor: User, asked: SubmitPayment, upload: "UploadedFile[Any] | None") -> CheckedFile | None:
    if upload and asked.receipt_id:
        words = _("Send the receipt, or name one handed in before: not both.")
        raise Refusal(422, "invalid", words, fields={"receipt_id": words})
    if upload:
        return check_receipt(upload)
    return take_receipt(actor=actor, file_id=asked.receipt_id) if asked.receipt_id else None


SUBMIT = Step(
    "submit-payment",
    (Action.SUBMIT_PAYMENT,),
    SubmitPayment,
    payments.submit_payment,
    "Hand in the proof of a payment, as JSON, or as a form with the receipt as its file `receipt`. Without a receipt, "
    "`POST orders/{order_id}/receipt` adds it afterwards.",
    _proof,
    {
        "proof_refused": "proof_reference",
        "reference_used": "proof_reference",
        "invalid_amount": "amount",
        "file_gone": "receipt_id",
        "invalid_file": RECEIPT,
        "busy": RECEIPT,
    },
)
ATTACH = Step(
    "receipt",
    (Action.ATTACH_RECEIPT,),
    StepAsked,
    _attach,
    "Add the receipt to the proof that is being checked and has none. The same file again changes nothing.",
    fields={"invalid_file": FILE, "busy": FILE},
)


@router.patch(
    f"orders/{{uuid:order_id}}/{SUBMIT.name}",
    auth=trader,
    response=OrderShown,
    description=SUBMIT.about,
    openapi_extra=described_form(SubmitPayment, RECEIPT),
)
@begins_itself
def submit_payment(request: HttpRequest, order_id: UUID, proof: Annotated[SubmitPayment, JsonOrForm(...)]) -> OrderShown:
    return take(request, order_id, SUBMIT, proof, partial(_proof, upload=file_of(request, RECEIPT)))


@router.post(f"orders/{{uuid:order_id}}/{ATTACH.name}", auth=trader, response=OrderShown, description=ATTACH.about)
@begins_itself
def add_receipt(request: HttpRequest, order_id: UUID, file: Upload = File(...)) -> OrderShown:
    return take(request, order_id, ATTACH, StepAsked(), lambda actor, order, asked: {"receipt": check_receipt(file)})


note_address(SUBMIT)
note_address(ATTACH, needs=(FILE,), method="POST")
