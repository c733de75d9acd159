"""Operations that do what the tests of the API's kernel need and no app offers, under /api/planted/ beside the real ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.http import FileResponse, HttpRequest
from django.urls import path
from ninja import File, Status
from ninja.files import UploadedFile

from accounts.gates import (
    anyone,
    begin_writing,
    begins_itself,
    door,
    keeper,
    owner,
    person,
    reader,
    seller,
    sender,
    trader,
    writer,
)
from gigs.tests.factories import GigFactory
from marketplace import urls
from marketplace.api import Api
from marketplace.exceptions import DomainError
from marketplace.rest.answers import JsonRenderer
from marketplace.rest.errors import Refusal, about, add_handlers, answer_with
from marketplace.rest.parser import JsonParser
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Asked, Line, Shown, Text
from marketplace.uploads import drawing

GATES = {
    "read": reader,
    "orders": trader,
    "gigs": seller,
    "messages": writer,
    "message": sender,
    "owner": owner,
    "keeper": keeper,
}
router = Router(tags=["planted"])
sent: list[str] = []  # what reached the outside world, after the commit
meanwhile: list[Callable[[], None]] = []  # what happens while a write runs


class Planted(DomainError):
    code = "planted"


class Gone(DomainError):
    code = "gone"


answer_with(409, Gone)


class Note(Asked):
    text: Annotated[str, Line(60)] = "word"
    longer: Annotated[str, Text(1_000_000)] = "words"
    parts: list[Any] = []
    number: int = 1
    then: Literal["", "refuse", "crash", "move on", "draw", "forget"] = ""


class NoteShown(Shown):
    id: str
    text: str


class Words(Shown):
    words: str


@router.post("notes", auth=seller, response={201: NoteShown})
def write(request: HttpRequest, note: Note) -> Any:
    """A row, something sent after the commit, and then what was asked for."""
    gig = GigFactory(freelancer=person(request), title=note.text)
    transaction.on_commit(lambda: sent.append(note.text))
    for happen in meanwhile:
        happen()
    if note.then == "refuse":
        raise Planted("Not this one.")
    if note.then == "move on":
        raise Gone("It moved on.")
    if note.then == "crash":
        raise ZeroDivisionError("planted")
    if note.then == "draw":
        with drawing():
            pass
    return Status(201, NoteShown(id=str(gig.pk), text=note.text))


@router.post("slow", auth=seller, response={201: NoteShown})
@begins_itself
def write_later(request: HttpRequest, note: Note) -> Any:
    """Something slow, and then a row."""
    for happen in meanwhile:
        happen()
    if note.then == "refuse":
        raise Planted("Not this one.")
    if note.then != "forget":
        begin_writing(request)
    return Status(201, NoteShown(id=str(GigFactory(freelancer=person(request), title=note.text).pk), text=note.text))


@router.patch("notes", auth=seller, response={204: None})
def rewrite(request: HttpRequest, note: Note) -> Any:
    """The same without an answer's body."""
    GigFactory(freelancer=person(request), title=note.text)
    return Status(204, None)


@router.post("files", auth=seller, response={201: NoteShown})
def upload(request: HttpRequest, file: UploadedFile = File(...)) -> Any:
    """A row by a file."""
    text = f"{file.name} {file.read().decode()}"
    return Status(201, NoteShown(id=str(GigFactory(freelancer=person(request), title=text[:60]).pk), text=text))


@router.post("bare", auth=anyone, response=Words)
def bare(request: HttpRequest) -> Words:
    """A write that takes no body."""
    return Words(words=str(request.auth.user))  # type: ignore[attr-defined]


@router.get("mine", auth=reader, response=Words)
def mine(request: HttpRequest) -> Words:
    """Differs by who asks."""
    return Words(words=person(request).full_name)


@router.get("file", auth=reader, response={200: None})
def file(request: HttpRequest) -> Any:
    """Bytes."""
    return FileResponse(Path(__file__).open("rb"), content_type="text/x-python")


@router.get("faults/{name}", auth=anyone, response=Words)
def fault(request: HttpRequest, name: str) -> Any:
    """Ends with this."""
    faults: dict[str, Exception] = {
        "crash": ZeroDivisionError("planted"),
        "database": OperationalError("the connection is closed"),
        "rule": Planted("Not this one."),
        "moved": Refusal(409, "order_moved_on", "It moved on.", status="PAID", version=7, nothing=None),
        "permission": PermissionDenied("a secret"),
    }
    if name == "field":
        with about(planted="price"):
            raise Planted("Not this one.")
    raise faults[name]


@router.post("door", auth=door, response=Words)
def knock(request: HttpRequest) -> Words:
    """As signing in."""
    return Words(words="come in")


def _behind(name: str) -> None:
    @router.get(f"behind/{name}", auth=GATES[name], response=Words)
    @router.post(f"behind/{name}", auth=GATES[name], response=Words)
    def behind(request: HttpRequest) -> Words:
        """Who came in."""
        return Words(words=f"{request.auth.how} {person(request).email}")  # type: ignore[attr-defined]


for name in GATES:
    _behind(name)

planted = Api(title="Planted", version="1", urls_namespace="planted", renderer=JsonRenderer(), parser=JsonParser(), docs_url=None)
add_handlers(planted)
planted.add_router("", router)
urlpatterns = [path("api/planted/", planted.urls), *urls.urlpatterns]
handler400, handler500 = urls.handler400, urls.handler500
