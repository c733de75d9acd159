"""How a gig can be paid, and ordering it."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Status

from accounts.gates import anyone, person, trader, viewer
from gigs.models import Gig
from gigs.selectors import get_gig_for
from marketplace.rest.errors import Refusal, about, answer_with
from orders.api.addresses import router, whole_order
from orders.exceptions import GigChanged, TooManyPlaced, TooManyUnpaid
from orders.schemas.orders import GivenAnswer, NewOrder, PaymentMethodsShown, method_shown
from orders.schemas.whole import OrderShown
from orders.selectors import gig_terms, list_payment_methods_for
from orders.selectors.programs import find_gig
from orders.services.lifecycle import place_order
from orders.states import Custody

answer_with(409, GigChanged, TooManyUnpaid)
answer_with(429, TooManyPlaced, wait=86_400)  # counted over a day, so surely forgotten after one
FIELDS = {
    "gig_not_orderable": "gig_id",
    "payment_method_not_usable": "payment_method_id",
    "answers_incomplete": "answers",
}  # that refusals are about


@router.get("gigs/{uuid:gig_id}/payment-methods", auth=anyone, response=PaymentMethodsShown)
def list_payment_methods(request: HttpRequest, gig_id: UUID) -> PaymentMethodsShown:
    """The ways to pay this gig, those held by the platform first. The account itself stands on the order, once it is placed."""
    gig = get_gig_for(viewer(request), gig_id)
    methods = sorted(list_payment_methods_for(gig), key=lambda method: method.custody != Custody.PLATFORM)
    return PaymentMethodsShown(terms=gig_terms(gig), items=[method_shown(method) for method in methods])


@router.post("orders", auth=trader, response={201: OrderShown})
def place(request: HttpRequest, wanted: NewOrder) -> Any:
    """Order a gig as it stands. The answer says where to pay, how much, under which reference and until when."""
    gig = find_gig(wanted.gig_id)
    terms = gig_terms(gig) if gig and wanted.terms is None else wanted.terms or ""
    with about(**FIELDS):
        order = place_order(
            actor=person(request),
            gig_id=wanted.gig_id,
            payment_method_id=wanted.payment_method_id,
            answers=_answers(gig, wanted.answers) if gig else {},
            terms=terms,
            placement_key=uuid4(),  # the one who calls has Idempotency-Key
        )
    return Status(201, whole_order(request, order.pk))


def _answers(gig: Gig, given: list[GivenAnswer]) -> dict[int, str]:
    """By question. Refusal (422) for one that the gig does not ask, or that is answered twice."""
    asked = {row.pk for row in gig.requirements.all()}
    answers: dict[int, str] = {}
    for place, answer in enumerate(given):
        if answer.question_id not in asked or answer.question_id in answers:
            words = _("This gig asks each of its questions once, and no others.")
            raise Refusal(422, "invalid", words, fields={f"answers.{place}.question_id": words})
        answers[answer.question_id] = answer.answer
    return answers
