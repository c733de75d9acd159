"""The inbox, one conversation, and what its two do with it. All works as plain forms; the page's script is only faster."""

from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from marketplace.uploads import display_name
from messaging import services
from messaging.forms import ArrangeForm, ChangeForm, InboxForm, MessageForm, ReportForm, SeenForm
from messaging.frames import message_frame
from messaging.models import Participation
from messaging.off_platform import Hint
from messaging.selectors import (
    find_side,
    get_message_of,
    get_message_to,
    get_person_to_write_to,
    get_side_for,
    list_handed_in,
    list_inbox,
    may_change,
    search_messages,
)
from messaging.selectors.conversations import INBOX_PAGE
from messaging.views.chat import chat_of, link_to


# --- The inbox ------------------------------------------------------------------------------------------------------
@require_safe
@login_required
def inbox(request: SignedInRequest) -> HttpResponse:
    form = InboxForm(request.GET, auto_id="inbox-%s")
    form.is_valid()
    wanted = form.cleaned_data
    tab, words = wanted.get("tab", ""), wanted.get("q", "")
    rows = [] if words else list_inbox(request.user, tab=tab, before=wanted.get("before"))
    context = {
        "form": form,
        "tab": tab,
        "tabs": _tabs(tab),
        "words": words,
        "found": _found(request.user, words) if words else [],
        "rows": rows[:INBOX_PAGE],
        "older": rows[INBOX_PAGE - 1].side if len(rows) > INBOX_PAGE else None,
        "is_first_page": "before" not in request.GET,
    }
    return render(request, "messaging/inbox.html", context)


def _found(user: User, words: str) -> list[dict[str, Any]]:
    messages = search_messages(user, words)
    prefetch_related_objects(messages, "conversation")
    return [{"message": message, "href": link_to(message)} for message in messages]


def _tabs(current: str) -> list[dict[str, Any]]:
    labels = {"": _("All"), "unread": _("Unread"), "orders": _("With orders"), "archived": _("Archived")}
    here = reverse("messaging:inbox")
    return [
        {"label": label, "href": f"{here}?tab={tab}" if tab else here, "current": tab == current} for tab, label in labels.items()
    ]


# --- One conversation -----------------------------------------------------------------------------------------------
@require_safe
@login_required
def conversation(request: SignedInRequest, conversation_id: UUID) -> HttpResponse:
    side = get_side_for(request.user, conversation_id)
    return _page(request, side.other, side)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def write(request: SignedInRequest, handle: str) -> HttpResponse:
    """The conversation with somebody, whether there is one yet or not; other pages show it inside themselves."""
    other = get_person_to_write_to(request.user, handle)
    side = find_side(request.user, other.pk)
    if request.method == "POST":
        return _send(request, other, side)
    if side and not request.headers.get("HX-Request"):
        query = request.GET.urlencode()
        return redirect(f"{side.conversation.get_absolute_url()}{'?' if query else ''}{query}")
    return _page(request, other, side)


@require_POST
@login_required
def send(request: SignedInRequest, conversation_id: UUID) -> HttpResponse:
    side = get_side_for(request.user, conversation_id)
    return _send(request, side.other, side)


def _page(
    request: SignedInRequest, other: User, side: Participation | None, *, form: MessageForm | None = None, **more: Any
) -> HttpResponse:
    chat = chat_of(request.user, other, side, query=request.GET, form=form)
    part = {"earlier": "messaging/_messages.html", "": "messaging/_chat.html"}.get(request.GET.get("part", ""))
    template = part if request.headers.get("HX-Request") and part else "messaging/conversation.html"
    return render(request, template, {**chat, **more}, status=422 if form else 200)


def _send(request: SignedInRequest, other: User, side: Participation | None) -> HttpResponse:
    """Say it, and show the conversation with it at the end; a script that asks for JSON gets the message as on a socket."""
    form = MessageForm(request.POST, request.FILES, auto_id="chat-%s")
    by_script = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    hints: list[Hint] = []
    is_complete = form.is_valid()
    files = form.handed_in()
    if is_complete:
        files += _hand_in(request.user, form)
        try:
            hints = [] if by_script else form.new_hints()
            if not hints and not form.errors:
                message = services.send_message(actor=request.user, receiver_id=other.pk, file_ids=files, **form.said())
                if by_script:
                    return JsonResponse(message_frame(message, list(message.attachments.all())))
                return redirect(link_to(message))
        except DomainError as refusal:
            form.add_error(None, ValidationError(refusal.message, code=refusal.code))
        form.keep(files, warned=bool(hints))
    if by_script:
        error = next(chain.from_iterable(form.errors.as_data().values()))
        return JsonResponse({"code": error.code, "message": " ".join(error.messages)}, status=422)
    return _page(
        request, other, side, form=form, warnings=[hint.label for hint in hints], kept=list_handed_in(request.user, files)
    )


def _hand_in(user: User, form: MessageForm) -> list[UUID]:
    """Those of the chosen files that can be kept; on the form stands what speaks against each of the others."""
    kept = []
    for upload in form.cleaned_data["uploads"]:
        try:
            kept.append(services.hand_in(actor=user, upload=upload).pk)
        except DomainError as refusal:
            words = f"{display_name(upload.name or '')}: {refusal.message}"
            form.add_error(None, ValidationError(words, code=refusal.code))
    return kept


# --- What one does with it ------------------------------------------------------------------------------------------
@require_POST
@login_required
def seen(request: SignedInRequest, conversation_id: UUID) -> HttpResponse:
    form = SeenForm(request.POST)
    numbers = {name: number or 0 for name, number in form.cleaned_data.items()} if form.is_valid() else {}
    side = services.mark_seen(actor=request.user, conversation_id=conversation_id, **numbers)
    return redirect(side.conversation)


@require_POST
@login_required
def arrange(request: SignedInRequest, conversation_id: UUID) -> HttpResponse:
    form = ArrangeForm(request.POST)
    form.is_valid()
    side = services.arrange(actor=request.user, conversation_id=conversation_id, **form.cleaned_data)
    if form.cleaned_data.get("archived"):
        messages.success(request, _("The conversation is put away until the next message."))
        return redirect("messaging:inbox")
    return redirect(side.conversation)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: SignedInRequest, message_id: UUID) -> HttpResponse:
    """One's own message, to correct it or to delete it."""
    message = get_message_of(request.user, message_id)
    if request.method != "POST" and not may_change(request.user, message, timezone.now()):
        messages.error(request, _("A message can be changed or deleted within 15 minutes, by who wrote it."))
        return redirect(link_to(message))
    form = ChangeForm(request.POST if request.method == "POST" else None, initial={"content": message.content})
    if form.is_valid():
        try:
            services.change_message(actor=request.user, message_id=message.pk, content=form.cleaned_data["content"])
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect(link_to(message))
    return render(request, "messaging/change.html", {"message": message, "form": form}, status=422 if form.is_bound else 200)


@require_POST
@login_required
def delete(request: SignedInRequest, message_id: UUID) -> HttpResponse:
    message = get_message_of(request.user, message_id)
    try:
        services.change_message(actor=request.user, message_id=message.pk, content=None)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect(link_to(message))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def report(request: SignedInRequest, message_id: UUID) -> HttpResponse:
    """Ask the moderators to look at a message one was sent."""
    message = get_message_to(request.user, message_id)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            services.report(actor=request.user, message_id=message.pk, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Thank you. A moderator looks at it, and nobody is told that it was you."))
            return redirect(link_to(message))
    return render(request, "messaging/report.html", {"message": message, "form": form}, status=422 if form.is_bound else 200)


@require_POST
@login_required
def block(request: SignedInRequest, handle: str) -> HttpResponse:
    other = get_person_to_write_to(request.user, handle)
    services.block(actor=request.user, user=other)
    return redirect("messaging:write", other.handle)


@require_POST
@login_required
def unblock(request: SignedInRequest, handle: str) -> HttpResponse:
    other = get_person_to_write_to(request.user, handle)
    services.unblock(actor=request.user, user=other)
    return redirect("messaging:write", other.handle)
