"""Who people are."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.middleware.csrf import get_token
from ninja import File, Status, UploadedFile

from accounts.callers import How
from accounts.exceptions import HandleTaken
from accounts.gates import anyone, begin_writing, begins_itself, caller_of, owner, person, reader
from accounts.pictures import square_picture
from accounts.schemas import Change, Me, PersonShown, me_shown, person_shown
from accounts.selectors import get_person_by_id
from accounts.services import remove_avatar, set_avatar, update_profile
from marketplace.rest.errors import about, answer_with
from marketplace.rest.routers import Router

answer_with(409, HandleTaken)
router = Router(tags=["people"])


@router.get("me", auth=reader, response=Me)
def me(request: HttpRequest) -> Me:
    """The caller. Who calls with a cookie also gets the CSRF cookie, whose value every change wants as `X-CSRFToken`."""
    if caller_of(request).how in (How.COOKIE, How.SESSION):
        get_token(request)
    return me_shown(get_person_by_id(person(request).pk))


@router.patch("me", auth=owner, response=Me)
def change_me(request: HttpRequest, asked: Change) -> Me:
    """Change what is named of one's profile."""
    actor = person(request)
    with about(handle_taken="handle", handle_reserved="handle", name_reserved="full_name"):
        update_profile(actor=actor, **asked.model_dump(exclude_none=True))
    return me_shown(get_person_by_id(actor.pk))


@router.post("me/picture", auth=owner, response=Me)
@begins_itself
def set_picture(request: HttpRequest, picture: UploadedFile = File(...)) -> Me:
    """Set one's picture: PNG, JPEG or WebP, at most 10 MB. The middle square of it is drawn afresh."""
    with about(invalid_file="picture"):
        square = square_picture(picture)
    begin_writing(request)
    set_avatar(actor=person(request), picture=square)
    return me_shown(get_person_by_id(person(request).pk))


@router.delete("me/picture", auth=owner, response={204: None})
def remove_picture(request: HttpRequest) -> Any:
    """Go back to the drawn initial."""
    remove_avatar(actor=person(request))
    return Status(204, None)


@router.get("users/{uuid:user_id}", auth=anyone, response=PersonShown)
def read_person(request: HttpRequest, user_id: UUID) -> PersonShown:
    """Somebody's public profile."""
    return person_shown(get_person_by_id(user_id))
