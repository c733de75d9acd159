"""The statement desk: files of the platform's accounts, what their entries fit, and the list of green ones to confirm at once."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRefresh

from marketplace.desks import View, paged, posts, reads
from marketplace.exceptions import DomainError
from orders.admin.records import signed_in
from orders.admin.statement_entries import EntryDesk, in_words
from orders.models import BankStatement
from orders.selectors.statements import (
    count_tabs,
    count_waiting,
    get_statement_for,
    list_lines,
    list_platform_methods,
    list_statements,
    list_unreadable,
)
from orders.services.statement_green import Confirmed, confirm_green, match_again
from orders.services.statement_uploads import (
    continue_import,
    discard_upload,
    first_lines,
    guessed_columns,
    is_kept,
    problem_of,
    receive_statement,
    save_csv_mapping,
    waits_for_columns,
)
from orders.statement_forms import MappingForm, NoteForm, UploadForm
from orders.statements import CsvMapping

GREEN_AT_ONCE = 100
HEAD_LINES = 8


@admin.register(BankStatement)
class BankStatementAdmin(EntryDesk):
    """Its list is where files come in, its pages what became of their entries."""

    row_page = "entries"

    def views(self) -> dict[str, tuple[str, View]]:
        return {
            "upload": ("upload/", self.upload),
            "all": ("entries/", self.entries),
            "entries": ("<uuid:statement_id>/entries/", self.entries),
            "columns": ("<uuid:statement_id>/columns/", self.columns),
            "discard": ("<uuid:statement_id>/discard/", self.discard),
            "again": ("<uuid:statement_id>/again/", self.again),
            "green": ("<uuid:statement_id>/green/", self.green),
            "entry": ("entry/<uuid:line_id>/", self.look),
            "resolve": ("unreadable/<int:row_id>/", self.resolve),
        }

    # --- Files ----------------------------------------------------------------------------------------------------------
    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        return self._files(request, UploadForm(methods=list_platform_methods()))

    def _files(self, request: HttpRequest, upload: UploadForm) -> HttpResponse:
        unresolved = Count("unreadable", filter=Q(unreadable__resolved_at=None))
        page = paged(request, list_statements(request.user).annotate(unresolved=unresolved))
        waiting = count_waiting(list(page))
        context = {
            "title": _("Bank statements"),
            "upload": upload,
            "page_obj": page,
            "rows": [{"statement": statement, "waiting": waiting[statement.pk]} for statement in page],
            "tabs": self._tabs(request, None, ""),
        }
        return self.page(request, "files", context)

    @posts
    def upload(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES, methods=list_platform_methods())
        if not form.is_valid():
            return self._files(request, form)
        method, file = form.cleaned_data["method"], form.cleaned_data["file"]
        try:
            statement = receive_statement(actor=signed_in(request), method=method, file=file.file, name=file.name, size=file.size)
            if waits_for_columns(statement):
                return self.to("columns", statement.pk)
            self._read(request, statement)
        except DomainError as refusal:
            form.add_error("file", refusal.message)
            return self._files(request, form)
        return self.to("entries", statement.pk)

    def _read(self, request: HttpRequest, statement: BankStatement) -> None:
        done = continue_import(statement=statement)
        if done.is_complete:
            new = ngettext("%(n)d new entry", "%(n)d new entries", done.lines_new) % {"n": done.lines_new}
            messages.success(request, _("%(file)s was read: %(new)s.") % {"file": done.file_name, "new": new})

    @posts
    def discard(self, request: HttpRequest, statement: BankStatement) -> HttpResponse:
        try:
            discard_upload(actor=signed_in(request), statement=statement)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return self.to("entries", statement.pk)
        messages.success(request, _("%(file)s was discarded. Nothing of it was read.") % {"file": statement.file_name})
        return self.to("changelist")

    def columns(self, request: HttpRequest, statement: BankStatement) -> HttpResponse:
        """How the tables of this account are laid out: saved for the account, then the waiting file is read."""
        waits = is_kept(statement)
        form = MappingForm(request.POST) if request.method == "POST" else self._columns_form(statement, waits=waits)
        if request.method == "POST" and form.is_valid():
            try:
                mapping = form.cleaned_data["mapping"]
                save_csv_mapping(actor=signed_in(request), method_id=statement.payment_method_id, mapping=mapping)
                if waits:
                    self._read(request, get_statement_for(request.user, statement.pk))
                else:
                    messages.success(request, _("Saved. The next table of this account is read this way."))
                return self.to("entries", statement.pk)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
        context = {"title": _("Columns of “%(account)s”") % {"account": statement.payment_method}, "statement": statement}
        context |= {"form": form, "head": first_lines(statement, HEAD_LINES) if waits else "", "waits": waits}
        return self.page(request, "columns", context)

    def _columns_form(self, statement: BankStatement, *, waits: bool) -> MappingForm:
        saved = statement.payment_method.csv_mapping
        mapping = CsvMapping.from_json(saved) if saved else None
        if mapping is None and waits:
            mapping = guessed_columns(statement)
        return MappingForm(initial=MappingForm.initial_of(mapping))

    # --- Entries --------------------------------------------------------------------------------------------------------
    @reads
    def entries(self, request: HttpRequest, statement: BankStatement | None = None) -> HttpResponse:
        if statement and not statement.is_complete:
            return self._progress(request, statement)
        if "HX-Request" in request.headers:  # the progress page asked, and there is no progress left to show
            return HttpResponseClientRefresh()
        counts = count_tabs(request.user, statement)
        fullest = next((tab for tab, count in counts.items() if count), "green")
        tab = request.GET.get("tab", "")
        tab = tab if tab in counts else fullest
        lines = list_lines(request.user, statement=statement, tab=tab) if tab != "unreadable" else None
        rows: QuerySet[Any] = lines if lines is not None else list_unreadable(request.user, statement)
        page = paged(request, rows)
        context = {
            "title": statement.file_name if statement else _("Entries of all statements"),
            "statement": statement,
            "tab": tab,
            "tabs": self._tabs(request, statement, tab),
            "page_obj": page,
            "query": urlencode({"tab": tab}),
            "rows": [] if tab == "unreadable" else [in_words(line) for line in page],
            "note": NoteForm(auto_id=False),
        }
        return self.page(request, "entries", context)

    def _progress(self, request: HttpRequest, statement: BankStatement) -> HttpResponse:
        kept = is_kept(statement)
        needs_columns = kept and waits_for_columns(statement)
        looks_closer = kept and not needs_columns and not statement.lines_read and "HX-Request" not in request.headers
        context = {
            "title": statement.file_name,
            "statement": statement,
            "needs_columns": needs_columns,
            "problem": problem_of(statement) if looks_closer else "",
            "is_kept": kept,
        }
        return self.page(request, "progress", context)

    def _tabs(self, request: HttpRequest, statement: BankStatement | None, current: str) -> list[dict[str, Any]]:
        counts = count_tabs(request.user, statement)
        name = "admin:orders_bankstatement_entries" if statement else "admin:orders_bankstatement_all"
        address = reverse(name, args=[statement.pk] if statement else [])
        return [
            {"label": label, "href": f"{address}?tab={tab}", "count": counts[tab], "current": tab == current}
            for tab, label in _tab_labels().items()
        ]

    @posts
    def again(self, request: HttpRequest, statement: BankStatement) -> HttpResponse:
        count = match_again(actor=signed_in(request), statement_id=statement.pk)
        said = ngettext("%(n)d open entry was compared again.", "%(n)d open entries were compared again.", count)
        messages.success(request, said % {"n": count})
        return self.to("entries", statement.pk)

    def green(self, request: HttpRequest, statement: BankStatement) -> HttpResponse:
        """The green entries of a statement to look at, and one button that confirms those that keep their tick."""
        if request.method == "POST":
            chosen = _chosen(request.POST)
            if not chosen:
                messages.error(request, _("Tick the payments to confirm first. Nothing was changed."))
                return self.to("green", statement.pk)
            _say(request, confirm_green(actor=signed_in(request), line_ids=chosen))
            return self.to("entries", statement.pk)
        lines = list_lines(request.user, statement=statement, tab="green")
        shown = list(lines[:GREEN_AT_ONCE])
        context = {
            "title": _("Confirm what is green"),
            "statement": statement,
            "rows": [in_words(line) for line in shown],
            "total": sum((line.amount for line in shown), start=0),
            "currency": statement.payment_method.currency,
            "all": lines.aggregate(total=Sum("amount"))["total"],
            "count": lines.count(),
        }
        return self.page(request, "green", context)


def _tab_labels() -> dict[str, str]:
    return {
        "green": _("Fits"),
        "amber": _("Fits in part"),
        "red": _("Fits nothing"),
        "suspense": _("In suspense"),
        "unreadable": _("Unreadable"),
        "none": _("Money out, other"),
        "done": _("Done"),
    }


def _chosen(data: QueryDict) -> list[UUID]:
    try:
        return [UUID(text) for text in data.getlist("line")[:GREEN_AT_ONCE]]
    except ValueError as no_id:
        raise Http404 from no_id


def _say(request: HttpRequest, done: Confirmed) -> None:
    if done.confirmed:
        count = len(done.confirmed)
        messages.success(request, ngettext("%(n)d payment confirmed.", "%(n)d payments confirmed.", count) % {"n": count})
    if done.signed:
        count = len(done.signed)
        said = ngettext(
            "%(n)d payment signed. A second moderator must confirm it.",
            "%(n)d payments signed. A second moderator must confirm them.",
            count,
        )
        messages.success(request, said % {"n": count})
    for refusal in done.refused:
        named = refusal.line.order.payment_reference if refusal.line.order else refusal.line
        messages.warning(request, f"{named}: {refusal.message}")
