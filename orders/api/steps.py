"""One operation for every step of docs/orders.md that programs take, as the pages have one address for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router

from accounts.gates import begin_writing, begins_itself, person, trader
from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.rest.errors import Refusal, answer_with, status_of
from orders.api.addresses import ADDRESSES, Address, order_to_act_on, whole_order
from orders.exceptions import ActionNotAllowed, NoRevisionsLeft, OrderMoved, ReceiptRefused, SecondModeratorNeeded, TooEarly
from orders.models import Order
from orders.schemas.steps import StepAsked
from orders.schemas.whole import OrderShown
from orders.selectors import get_order_for, roles_for
from orders.states import TRANSITIONS, Action

answer_with(409, ActionNotAllowed, NoRevisionsLeft, OrderMoved, ReceiptRefused, SecondModeratorNeeded, TooEarly)
Wishes = Callable[[User, Order, Any], dict[str, Any]]


def as_asked(actor: User, order: Order, asked: StepAsked) -> dict[str, Any]:
    """What was sent is what the service takes."""
    return asked.model_dump(exclude={"version"})


@dataclass(frozen=True)
class Step:
    """One step: the last part of its address, its actions in the table (one of them, by where the order is), what is sent, the
    service, and what programmers read of it. `wishes` makes the service's arguments of what was sent, which may refuse like the
    service; `fields` names what a refusal is about, by its code; `conflicts` are codes that say the order is not ready for it.
    """

    name: str
    actions: tuple[Action, ...]
    asks: type[StepAsked]
    service: Callable[..., Order]
    about: str
    wishes: Wishes = as_asked
    fields: Mapping[str, str] = field(default_factory=dict)
    conflicts: frozenset[str] = frozenset()
    for_staff: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(name for name, asked in self.asks.model_fields.items() if asked.is_required())


def add_step(router: Router, step: Step) -> None:
    """Give the step its operation, `PATCH orders/{id}/<name>`. Where nothing has to be sent, the body may be left out."""

    def operation(request: HttpRequest, order_id: UUID, step_asked: StepAsked | None) -> OrderShown:
        return take(request, order_id, step, step_asked or step.asks())

    asked = Parameter("step_asked", Parameter.POSITIONAL_OR_KEYWORD, annotation=step.asks)
    if not step.needs:
        asked = asked.replace(annotation=step.asks | None, default=None)
    known = Signature.from_callable(operation).parameters
    operation.__signature__ = Signature([known["request"], known["order_id"], asked])  # type: ignore[attr-defined]
    operation.__name__ = step.name.replace("-", "_")
    router.patch(
        f"orders/{{uuid:order_id}}/{step.name}",
        auth=trader,
        response=OrderShown,
        description=step.about,
    )(begins_itself(operation))
    note_address(step)


def note_address(step: Step, **otherwise: Any) -> None:
    """From now on the order's `actions` name it."""
    ADDRESSES.update(
        dict.fromkeys(step.actions, Address(**{"name": step.name, "needs": step.needs, "for_staff": step.for_staff, **otherwise}))
    )


def take(request: HttpRequest, order_id: UUID, step: Step, asked: StepAsked, wishes: Wishes | None = None) -> OrderShown:
    """Take the step and answer the order as it is then. `wishes`: in place of the step's own.

    Raises Http404 for who has no part in the order, Refusal: 403 where the step is never theirs, 409 with the order's status and
    version where it cannot be taken now.
    """
    actor = person(request)
    order = order_to_act_on(request, order_id, for_staff=step.for_staff)
    if not _is_ever_open(actor, order, step.actions):
        raise Refusal(403, "not_your_step", _("This step is not yours to take: it is for somebody else in this order."))
    try:
        wanted = (wishes or step.wishes)(actor, order, asked)
        begin_writing(request)
        step.service(actor=actor, order_id=order_id, seen=asked.version or order.version, **wanted)
    except DomainError as refusal:
        raise _refused(refusal, actor, order_id, step) from refusal
    return whole_order(request, order_id)


def _is_ever_open(actor: User, order: Order, actions: tuple[Action, ...]) -> bool:
    """Whether any row of the table has the step for this person, whatever the order's status."""
    roles = roles_for(actor, order)
    return any(row.action in actions and roles & row.roles and order.custody in row.custodies for row in TRANSITIONS)


def _refused(refusal: DomainError, actor: User, order_id: UUID, step: Step) -> Refusal:
    status = 409 if refusal.code in step.conflicts else status_of(refusal)
    named = {step.fields[refusal.code]: refusal.message} if refusal.code in step.fields else None
    now: dict[str, Any] = {}
    if status == 409:
        order = get_order_for(actor, order_id)
        now = {"status": order.status, "version": order.version}
    return Refusal(status, refusal.code, refusal.message, fields=named, **now)
