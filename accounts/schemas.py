"""What of people the API takes and gives."""

from typing import Annotated, Literal
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from pydantic import AfterValidator, Field

from accounts.models import HANDLE_PATTERN, ApiKey, AuthSession, Scope, User, UserStats, known_time_zones
from accounts.models.access import LONGEST_NAME
from marketplace.rest.schemas import Asked, Line, Page, Shown, ShownInstant, Text


def _is_address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(_("This is not an e-mail address.")) from None
    return text


def _is_time_zone(name: str) -> str:
    if name not in known_time_zones():
        raise ValueError(_("This is not a time zone of the IANA list, such as Europe/Oslo."))
    return name


KnownEmail = Annotated[str, Field(strict=True, max_length=254, examples=["amara@example.com"])]
Email = Annotated[KnownEmail, Field(json_schema_extra={"format": "email"}), AfterValidator(_is_address)]
Password = Annotated[str, Field(strict=True, min_length=1, max_length=1000, json_schema_extra={"format": "password"})]
Code = Annotated[str, Field(strict=True, max_length=40)]
Refresh = Annotated[str, Field(strict=True, max_length=200)]
TimeZone = Annotated[str, Field(strict=True, max_length=64, examples=["Europe/Oslo"]), AfterValidator(_is_time_zone)]
Handle = Annotated[str, Field(strict=True, pattern=HANDLE_PATTERN, max_length=30, examples=["amara"])]


# --- What a program sends -------------------------------------------------------------------------------------------
class NewPerson(Asked):
    email: Email
    password: Password = Field(description="At least 10 characters, not a common one, and not like the name or the address.")
    full_name: Annotated[str, Line(120)]
    time_zone: TimeZone = "UTC"


class Address(Asked):
    email: Email


class Proof(Asked):
    email: KnownEmail
    code: Code = Field(description="From the mail.")
    password: Password = Field(description="The one that was registered: a code alone would prove whose password stands there.")


class Credentials(Asked):
    email: KnownEmail
    password: Password
    otp: Code | None = Field(None, description="Of the authenticator app, or a recovery code, where a second factor is set up.")


class RefreshToken(Asked):
    refresh: Refresh


class NewKey(Asked):
    name: Annotated[str, Line(LONGEST_NAME)]
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    password: Password = Field(description="The person's own: a stolen token makes no keys.")


class Change(Asked):
    """What is left out, or null, stays as it is."""

    full_name: Annotated[str, Line(120)] | None = None
    handle: Handle | None = None
    bio: Annotated[str, Text(4000, least=0)] | None = Field(None, description="Markdown.")
    time_zone: TimeZone | None = None


# --- What it gets ---------------------------------------------------------------------------------------------------
class PersonBrief(Shown):
    """Somebody, wherever they are named."""

    id: UUID
    handle: str
    name: str


class Accepted(Shown):
    message: str


class TokensShown(Shown):
    access: str = Field(description="For the header `Authorization: Bearer …`.")
    refresh: str = Field(description="For new tokens; used up by it.")
    expires_in: int = Field(description="Seconds for which `access` is good.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105


class SessionShown(Shown):
    """A program that is signed in."""

    id: UUID
    user_agent: str
    ip: str | None
    created_at: ShownInstant
    last_used_at: ShownInstant
    expires_at: ShownInstant
    is_current: bool = Field(description="Whether this call was made with it.")


class SessionPage(Page[SessionShown]):
    """A part of the list of programs."""


class KeyShown(Shown):
    id: UUID
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[Scope]
    created_at: ShownInstant
    last_used_at: ShownInstant | None


class NewKeyShown(KeyShown):
    key: str = Field(description="The key itself: shown this once, and kept nowhere.")


class KeyPage(Page[KeyShown]):
    """A part of the list of keys."""


class Rating(Shown):
    average: float | None = Field(description="From 1 to 5; null before the first review.")
    count: int


class PersonShown(PersonBrief):
    """Somebody's public profile."""

    bio: str = Field(description="Markdown.")
    picture_url: str
    created_at: ShownInstant
    orders_completed: int
    as_freelancer: Rating
    as_client: Rating


class Me(PersonShown):
    """One's own profile, with what others do not see."""

    full_name: str
    email: str
    time_zone: str
    tier: str


def brief(person: User) -> PersonBrief:
    return PersonBrief(id=person.pk, handle=person.handle, name=str(person))


def session_shown(session: AuthSession, current: UUID | None) -> SessionShown:
    return SessionShown(
        id=session.pk,
        user_agent=session.user_agent,
        ip=session.ip,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        is_current=session.pk == current,
    )


def key_shown(key: ApiKey) -> KeyShown:
    return KeyShown(
        id=key.pk,
        name=key.name,
        prefix=key.shown,
        scopes=[Scope(name) for name in key.scopes],
        created_at=key.created_at,
        last_used_at=key.last_used_at,
    )


def new_key_shown(key: ApiKey, plain: str) -> NewKeyShown:
    shown = key_shown(key)
    return NewKeyShown(**dict(shown), key=plain)


def person_shown(person: User) -> PersonShown:
    stats = _stats(person)
    return PersonShown(
        id=person.pk,
        handle=person.handle,
        name=str(person),
        bio=person.bio,
        picture_url=settings.SITE_URL + person.avatar_url,
        created_at=person.created_at,
        orders_completed=stats.orders_completed,
        as_freelancer=Rating(average=stats.rating, count=stats.rating_count),
        as_client=Rating(average=stats.client_rating, count=stats.client_rating_count),
    )


def me_shown(person: User) -> Me:
    shown = person_shown(person)
    return Me(**dict(shown), full_name=person.full_name, email=person.email, time_zone=person.time_zone, tier=person.tier)


def _stats(person: User) -> UserStats:
    """The counters; nothing counted for somebody who has none yet."""
    return getattr(person, "stats", None) or UserStats(user=person)
