"""What an operation of the API asks of who calls it, and how a write is done once however often it is sent."""

import hashlib
import ipaddress
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.decorators import decorate_view

from accounts.callers import SAFE, Caller, CsrfFailed, How, NotSignedIn, Scope, identify, not_signed_in
from accounts.exceptions import KeyInUse, KeyUsedOtherwise
from accounts.models import KeptAnswer, User
from accounts.selectors import has_needed_factor
from accounts.services import keep_answer, kept_answer, reserve_key
from marketplace.exceptions import DomainError
from marketplace.rest.errors import JSON, Refusal, answer_to, answer_with, plain_problem, status_of
from marketplace.rest.multipart import MULTIPART, form_of
from marketplace.rest.throttles import slow_down
from marketplace.uploads import no_drawing

REPLAYED = "Idempotent-Replayed"
_LET_IN = "_let_in"  # where a request keeps who came in
_BEGIN = "_begin"  # and how its transaction begins, until it does
_BEGINS_ITSELF = "_begins_itself"
answer_with(401, NotSignedIn)
answer_with(403, CsrfFailed)
answer_with(409, KeyInUse, KeyUsedOtherwise)

View = Callable[..., HttpResponse]
Operation = TypeVar("Operation", bound=Callable[..., Any])


@dataclass(frozen=True)
class Nobody:
    """Who calls without saying who they are, where that is allowed."""

    user: AnonymousUser = field(default_factory=AnonymousUser)


@dataclass(frozen=True)
class Gate:
    """Counts the call, finds the caller and refuses who may not come in; the operation has them as `request.auth`.

    `scopes` are those of which an API key needs one (none: no key may); `limit` names a row of settings.API_LIMITS. Without
    `is_strict` those come in too who do not say who they are. `is_keyed`: writes take an Idempotency-Key.
    """

    scopes: tuple[Scope, ...] = ()
    limit: str = ""
    is_strict: bool = True
    is_keyed: bool = True

    def __call__(self, request: HttpRequest) -> Caller | Nobody:
        if not hasattr(request, _LET_IN):  # a write with an Idempotency-Key was let in before its key was looked up
            setattr(request, _LET_IN, self._let_in(request))
        caller: Caller | Nobody = getattr(request, _LET_IN)
        return caller

    def _let_in(self, request: HttpRequest) -> Caller | Nobody:
        limit = self.limit or ("read" if request.method in SAFE else "write")
        try:
            caller = identify(request)
        except DomainError:
            slow_down(limit, address_of(request))
            raise
        if caller is None:
            slow_down(limit, address_of(request))
            if self.is_strict:
                raise not_signed_in()
            return Nobody()
        slow_down(limit, f"user:{caller.user.pk}", factor=settings.API_TIER_FACTORS.get(caller.user.tier, 1))
        if caller.how == How.KEY and not any(map(caller.may, self.scopes)):
            raise Refusal(403, "scope_missing", self._missing())
        return caller

    def once(self, run: View) -> View:
        """The operation behind this gate, done once for an Idempotency-Key; see `_once`."""

        @wraps(run)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            key = request.headers.get("Idempotency-Key")
            if key is None:
                return run(request, *args, **kwargs)
            try:
                caller = self(request)
                if isinstance(caller, Nobody):  # nobody whose key it could be
                    return run(request, *args, **kwargs)
                later = hasattr(run, _BEGINS_ITSELF)
                return _once(partial(run, request, *args, **kwargs), request, caller, _checked(key), later=later)
            except (DomainError, Refusal) as refusal:
                return answer_to(refusal)

        return wrapper

    def _missing(self) -> str:
        if not self.scopes:
            return _("No API key may do this. Use an access token.")
        return _("This API key lacks the scope “%(scope)s”.") % {"scope": self.scopes[0]}


@dataclass(frozen=True)
class Door:
    """Open to everybody, whatever else they show: signing up and in. Counts by address, strictly."""

    limit: str = "sign_in"
    is_strict: bool = False
    is_keyed: bool = False

    def __call__(self, request: HttpRequest) -> Nobody:
        slow_down(self.limit, address_of(request))
        return Nobody()


anyone = Gate((Scope.READ,), is_strict=False)
reader = Gate((Scope.READ,))
seller = Gate((Scope.GIGS,))
trader = Gate((Scope.ORDERS,))
writer = Gate((Scope.MESSAGES,))
sender = Gate((Scope.MESSAGES,), limit="message")
bringer = Gate((Scope.MESSAGES, Scope.ORDERS))  # of a file, which goes with a message or with an order
owner = Gate()  # the person themselves: no key
keeper = Gate(is_keyed=False)  # as well, where the answer holds a secret that nothing may keep
door = Door()
renewal = Door(limit="write")  # behind one address may be a front end of many people, and no token is guessed


def address_of(request: HttpRequest) -> str:
    """Who does not say who they are, by where they call from: of IPv6 by the /64, of which one subscriber has every address."""
    shown = str(get_adapter().get_client_ip(request))
    try:
        address = ipaddress.ip_address(shown)
    except ValueError:
        return f"address:{shown}"
    if isinstance(address, ipaddress.IPv6Address):
        return f"address:{address.ipv4_mapped or ipaddress.IPv6Network((int(address), 64), strict=False)}"
    return f"address:{address}"


def caller_of(request: HttpRequest) -> Caller:
    """Who calls an operation behind a strict gate, and how."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


def person(request: HttpRequest) -> User:
    """Who calls an operation behind a strict gate."""
    return caller_of(request).user


def viewer(request: HttpRequest) -> User | AnonymousUser:
    """Who calls an operation that is open to everyone."""
    found: User | AnonymousUser = request.auth.user  # type: ignore[attr-defined]
    return found


# --- Idempotency ----------------------------------------------------------------------------------------------------
class _Answered(Exception):
    """This write was done before, under its key."""

    def __init__(self, kept: KeptAnswer) -> None:
        super().__init__()
        self.kept = kept


def begins_itself(operation: Operation) -> Operation:
    """For an operation that does something slow, such as drawing a picture, before it writes anything: with an Idempotency-Key
    its transaction, for whose end others may wait, begins where it calls `begin_writing`.
    """
    return decorate_view(_begins_itself)(operation)


def _begins_itself(run: View) -> View:
    @wraps(run)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return run(request, *args, **kwargs)

    setattr(wrapper, _BEGINS_ITSELF, True)
    return wrapper


def begin_writing(request: HttpRequest) -> None:
    """From here on a write with an Idempotency-Key is one transaction, to its answer. Without a key nothing happens.

    Raises Refusal (409) where the same write is under way, and ends an operation that another has done meanwhile.
    """
    begin: Callable[[], None] | None = request.__dict__.pop(_BEGIN, None)
    if begin:
        begin()


def _once(run: Callable[[], HttpResponse], request: HttpRequest, caller: Caller, key: str, *, later: bool) -> HttpResponse:
    """A write with an Idempotency-Key, its effects and its answer are one transaction: done once, and answered so again.

    What is refused leaves nothing behind, so it may be tried again under the same key. `later`: the operation begins it.
    """
    try:
        asked: dict[str, Any] = {"user": caller.user, "key": key, "fingerprint": _fingerprint(request, caller)}
    except RequestDataTooBig:
        return plain_problem(413)
    with ExitStack() as held:
        setattr(request, _BEGIN, partial(_begin, held, asked))
        if later and (kept := kept_answer(**asked)):
            return _again(kept)
        try:
            if not later:
                begin_writing(request)
            response = run()
        except _Answered as answered:
            return _again(answered.kept)
        return _ended(response, asked, has_begun=not hasattr(request, _BEGIN))


def _begin(held: ExitStack, asked: dict[str, Any]) -> None:
    held.enter_context(transaction.atomic())
    held.enter_context(no_drawing())
    try:
        kept = reserve_key(**asked)
    except DomainError as refusal:  # not what the operation says of its own rules
        wait = {"Retry-After": "1"} if isinstance(refusal, KeyInUse) else {}
        raise Refusal(status_of(refusal), refusal.code, refusal.message, headers=wait) from refusal
    if kept:
        raise _Answered(kept)


def _ended(response: HttpResponse, asked: dict[str, Any], *, has_begun: bool) -> HttpResponse:
    if 200 <= response.status_code < 300:
        if not has_begun:
            raise RuntimeError("This operation begins its transaction itself, and did not: see begin_writing.")
        content_type = response.get("Content-Type", "")
        keep_answer(**asked, status=response.status_code, content_type=content_type, body=response.content.decode())
    elif has_begun:
        transaction.set_rollback(True)
    elif kept := kept_answer(**asked):  # done by another meanwhile: that is why this one was refused
        return _again(kept)
    return response


def _checked(key: str) -> str:
    if 0 < len(key) <= 255 and key.isascii() and key.isprintable() and " " not in key:
        return key
    words = _("An Idempotency-Key has 1 to 255 visible ASCII characters.")
    raise Refusal(422, "invalid", words, fields={"Idempotency-Key": words})


def _again(kept: KeptAnswer) -> HttpResponse:
    response = HttpResponse(kept.body, status=kept.status, content_type=kept.content_type or JSON)
    response[REPLAYED] = "true"
    return response


def _fingerprint(request: HttpRequest, caller: Caller) -> str:
    """Of what is asked for, and with which right."""
    asked = (request.method, request.get_full_path(), caller.name, _powers(caller.user), _content(request))
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _powers(user: User) -> object:
    """What staff may do just now: whoever has lost a power is not told again what they were told with it. Others lose what they
    may do with their account alone.
    """
    return (has_needed_factor(user), sorted(user.get_all_permissions())) if user.is_staff else None


def _content(request: HttpRequest) -> object:
    """The body; of a form with files what it says, as its bytes differ each time it is sent."""
    if request.content_type != MULTIPART:
        return request.body
    fields, sent = form_of(request)
    files = [(name, file.name, _digest(file)) for name, found in sorted(sent.lists()) for file in found]
    return sorted(fields.lists()), files


def _digest(file: "UploadedFile[Any]") -> str:
    digest = hashlib.file_digest(file.file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest
