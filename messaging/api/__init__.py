"""Conversations, their files, and notifications for programs."""

from marketplace.rest.routers import Router
from messaging.api import blocks, conversations, files, messages, notifications

router = Router()
router.add_router("", messages.router)
router.add_router("", conversations.router)
router.add_router("", blocks.router)
router.add_router("", files.router)
router.add_router("", notifications.router)

__all__ = ["router"]
