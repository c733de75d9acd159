"""Orders as those may read them who are in them: lists, the whole of one, its history, its receipt and its files."""

from typing import Annotated
from uuid import UUID

from django.http import FileResponse, HttpRequest
from ninja import Query
from pydantic import Field

from accounts.gates import person, reader
from marketplace.http import private_file
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.routers import file_answer
from marketplace.rest.schemas import Cursor, Limit
from orders.api.addresses import order_to_read, router, whole_order
from orders.schemas.orders import MyOrders, OrderEventPage, OrderPage, order_brief
from orders.schemas.receipts import OrderReceipt, receipt_shown
from orders.schemas.rows import event_shown
from orders.schemas.whole import OrderShown
from orders.selectors.programs import get_file_of, get_proof_of, list_events_of, list_own_orders
from orders.selectors.receipts import get_receipt_for
from orders.states import Role

answers_for("orders:detail", "orders/{order_id}")
After = Annotated[int, Field(ge=0, le=2**31 - 1, description="Only events with a higher number than this.")]


@router.get("orders", auth=reader, response=OrderPage)
def list_orders(request: HttpRequest, filters: Query[MyOrders], cursor: Cursor = "", limit: Limit = 20) -> OrderPage:
    """The orders you buy or sell in, newest first, each with what happens next."""
    user = person(request)
    orders = list_own_orders(user, side=Role[filters.role.upper()] if filters.role else None, status=filters.status)
    found, after = part_of(orders, order=("-created_at", "-id"), cursor=cursor, limit=limit)
    return OrderPage(items=[order_brief(order, user) for order in found], next=after)


@router.get("orders/{uuid:order_id}", auth=reader, response=OrderShown)
def read(request: HttpRequest, order_id: UUID) -> OrderShown:
    """An order with what you may do now and what happens next. For its two sides; moderators need a token or a session."""
    return whole_order(request, order_id)


@router.get("orders/{uuid:order_id}/events", auth=reader, response=OrderEventPage)
def list_events(request: HttpRequest, order_id: UUID, after: After = 0, cursor: Cursor = "", limit: Limit = 20) -> OrderEventPage:
    """What has happened, oldest first. With `after`, the number of the last event you have, only what came since."""
    order = order_to_read(request, order_id)
    events = list_events_of(order).filter(number__gt=after)
    found, following = part_of(events, order=("number",), cursor=cursor, limit=limit)
    return OrderEventPage(items=[event_shown(event, order) for event in found], next=following)


@router.get("orders/{uuid:order_id}/receipt", auth=reader, response=OrderReceipt)
def read_receipt(request: HttpRequest, order_id: UUID) -> OrderReceipt:
    """Your copy of the numbered receipt, issued soon after the payment is confirmed; 404 before that."""
    order = order_to_read(request, order_id)
    return receipt_shown(get_receipt_for(person(request), order.pk))


@router.get("orders/{uuid:order_id}/files/{uuid:file_id}", auth=reader, response={200: None}, openapi_extra=file_answer())
def download_work(request: HttpRequest, order_id: UUID, file_id: UUID) -> FileResponse:
    """A delivered file, byte for byte."""
    file = get_file_of(order_to_read(request, order_id), file_id)
    return private_file(file.file, name=file.name, content_type=file.content_type)


@router.get(
    "orders/{uuid:order_id}/proofs/{uuid:proof_id}/receipt", auth=reader, response={200: None}, openapi_extra=file_answer()
)
def download_receipt(request: HttpRequest, order_id: UUID, proof_id: UUID) -> FileResponse:
    """The receipt of a proof of payment."""
    proof = get_proof_of(order_to_read(request, order_id), proof_id)
    return private_file(proof.receipt, name=proof.receipt_name, content_type=proof.receipt_type)
