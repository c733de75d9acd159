"""People for programs: joining and signing in, what is signed in, and who they are."""

from accounts.api import access, people, signing_in
from marketplace.rest.routers import Router

router = Router()
router.add_router("", signing_in.router)
router.add_router("", access.router)
router.add_router("", people.router)

__all__ = ["router"]
