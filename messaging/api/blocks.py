"""Whom somebody does not want to hear from."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Status

from accounts.gates import person, reader, writer
from marketplace.rest.cursors import part_of
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from messaging import services
from messaging.schemas import BlockPage, block_shown
from messaging.selectors import get_counterpart, list_blocks

router = Router(tags=["blocks"])


@router.get("blocks", auth=reader, response=BlockPage)
def blocks(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> BlockPage:
    """Whom the caller has blocked, the latest first. Who has blocked them is told to nobody."""
    found, after = part_of(list_blocks(person(request)), order=("-created_at", "-id"), cursor=cursor, limit=limit)
    return BlockPage(items=[block_shown(block) for block in found], next=after)


@router.put("blocks/{uuid:user_id}", auth=writer, response={204: None})
def add_block(request: HttpRequest, user_id: UUID) -> Any:
    """Neither of the two can write to the other any more, but for orders of theirs that run. Repeating it changes nothing."""
    services.block(actor=person(request), user=get_counterpart(person(request), user_id))
    return Status(204, None)


@router.delete("blocks/{uuid:user_id}", auth=writer, response={204: None})
def remove_block(request: HttpRequest, user_id: UUID) -> Any:
    """Take back one's own block; one of the other side stays. Repeating it changes nothing."""
    services.unblock(actor=person(request), user=get_counterpart(person(request), user_id))
    return Status(204, None)
