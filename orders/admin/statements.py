"""The statement desk: files of the platform's accounts, what their entries fit, and the list of green ones to confirm at once."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Page, Paginator
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRefresh

from marketplace.exceptions import DomainError
from orders.admin.records import signed_in
from orders.admin.statement_entries import EntryViews, in_words
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

PAGE_SIZE = 50
GREEN_AT_ONCE = 100
HEAD_LINES = 8


@admin.register(BankStatement)
class BankStatementAdmin(EntryViews):
    """Its list is where files come in, its pages what became of their entries. Whoever may not verify payments gets 403."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "upload": ("upload/", self.upload),
            "all": ("entries/", self.entries),
            "entries": ("<uuid:statement_id>/entries/", self.entries),
            "columns": ("<uuid:statement_id>/columns/", self.columns),
            "discard": ("<uuid:statement_id>/discard/", self.discard),
            "again": ("<uuid:statement_id>/again/", self.again),
            "green": ("<uuid:statement_id>/green/", self.green),
        }
        wrap = self.admin_site.admin_view
        own = [path(address, wrap(view), name=f"orders_bankstatement_{name}") for name, (address, view) in views.items()]
        return [*own, *self.entry_urls(), *super().get_urls()]

    # --- Files ----------------------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.only_moderators(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._files(request, UploadForm(methods=list_platform_methods()))

    def _files(self, request: HttpRequest, upload: UploadForm) -> HttpResponse:
        page = Paginator(list_statements(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
        waiting = count_waiting(list(page))
        context = {
            "title": _("Bank statements"),
            "upload": upload,
            "page_obj": page,
            "rows": [{"statement": statement, "waiting": waiting[statement.pk]} for statement in page],
            "tabs": self._tabs(request, None, ""),
        }
        return self.page(request, "admin/orders/bankstatement/files.html", context)

    def upload(self, request: HttpRequest) -> HttpResponse:
        self.only_moderators(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = UploadForm(request.POST, request.FILES, methods=list_platform_methods())
        if not form.is_valid():
            return self._files(request, form)
        method, file = form.cleaned_data["method"], form.cleaned_data["file"]
        try:
            statement = receive_statement(actor=signed_in(request), method=method, file=file.file, name=file.name, size=file.size)
            if waits_for_columns(statement):
                return redirect("admin:orders_bankstatement_columns", statement.pk)
            self._read(request, statement)
        except DomainError as refusal:
            form.add_error("file", refusal.message)
            return self._files(request, form)
        return redirect("admin:orders_bankstatement_entries", statement.pk)

    def _read(self, request: HttpRequest, statement: BankStatement) -> None:
        done = continue_import(statement=statement)
        if done.is_complete:
            new = ngettext("%(n)d new entry", "%(n)d new entries", done.lines_new) % {"n": done.lines_new}
            messages.success(request, _("%(file)s was read: %(new)s.") % {"file": done.file_name, "new": new})

    def discard(self, request: HttpRequest, statement_id: UUID) -> HttpResponse:
        statement = self._statement(request, statement_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            discard_upload(actor=signed_in(request), statement=statement)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("admin:orders_bankstatement_entries", statement.pk)
        messages.success(request, _("%(file)s was discarded. Nothing of it was read.") % {"file": statement.file_name})
        return redirect("admin:orders_bankstatement_changelist")

    def columns(self, request: HttpRequest, statement_id: UUID) -> HttpResponse:
        """How the tables of this account are laid out: saved for the account, then the waiting file is read."""
        statement = self._statement(request, statement_id)
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
                return redirect("admin:orders_bankstatement_entries", statement.pk)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
        context = {"title": _("Columns of “%(account)s”") % {"account": statement.payment_method}, "statement": statement}
        context |= {"form": form, "head": first_lines(statement, HEAD_LINES) if waits else "", "waits": waits}
        return self.page(request, "admin/orders/bankstatement/columns.html", context)

    def _columns_form(self, statement: BankStatement, *, waits: bool) -> MappingForm:
        saved = statement.payment_method.csv_mapping
        mapping = CsvMapping.from_json(saved) if saved else None
        if mapping is None and waits:
            mapping = guessed_columns(statement)
        return MappingForm(initial=MappingForm.initial_of(mapping))

    # --- Entries --------------------------------------------------------------------------------------------------------
    def entries(self, request: HttpRequest, statement_id: UUID | None = None) -> HttpResponse:
        self.only_moderators(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        statement = self._statement(request, statement_id) if statement_id else None
        if statement and not statement.is_complete:
            return self._progress(request, statement)
        if "HX-Request" in request.headers:  # the progress page asked, and there is no progress left to show
            return HttpResponseClientRefresh()
        counts = count_tabs(request.user, statement)
        fullest = next((tab for tab, count in counts.items() if count), "green")
        tab = request.GET.get("tab", "")
        tab = tab if tab in counts else fullest
        lines = list_lines(request.user, statement=statement, tab=tab) if tab != "unreadable" else None
        rows = lines if lines is not None else list_unreadable(request.user, statement)
        page: Page[Any] = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
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
        return self.page(request, "admin/orders/bankstatement/entries.html", context)

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
        return self.page(request, "admin/orders/bankstatement/progress.html", context)

    def _tabs(self, request: HttpRequest, statement: BankStatement | None, current: str) -> list[dict[str, Any]]:
        counts = count_tabs(request.user, statement)
        name = "admin:orders_bankstatement_entries" if statement else "admin:orders_bankstatement_all"
        address = reverse(name, args=[statement.pk] if statement else [])
        return [
            {"label": label, "href": f"{address}?tab={tab}", "count": counts[tab], "current": tab == current}
            for tab, label in _tab_labels().items()
        ]

    def again(self, request: HttpRequest, statement_id: UUID) -> HttpResponse:
        statement = self._statement(request, statement_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        count = match_again(actor=signed_in(request), statement_id=statement.pk)
        said = ngettext("%(n)d open entry was compared again.", "%(n)d open entries were compared again.", count)
        messages.success(request, said % {"n": count})
        return redirect("admin:orders_bankstatement_entries", statement.pk)

    def green(self, request: HttpRequest, statement_id: UUID) -> HttpResponse:
        """The green entries of a statement to look at, and one button that confirms those on the page."""
        statement = self._statement(request, statement_id)
        if request.method == "POST":
            done = confirm_green(actor=signed_in(request), line_ids=_chosen(request.POST))
            _say(request, done)
            rest = list_lines(request.user, statement=statement, tab="green").exists()
            name = "green" if rest and (done.confirmed or done.signed) else "entries"
            return redirect(f"admin:orders_bankstatement_{name}", statement.pk)
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
        return self.page(request, "admin/orders/bankstatement/green.html", context)

    def _statement(self, request: HttpRequest, statement_id: UUID) -> BankStatement:
        self.only_moderators(request)
        return get_statement_for(request.user, statement_id)


def _tab_labels() -> dict[str, str]:
    return {
        "green": _("Fits"),
        "amber": _("Fits in part"),
        "red": _("Fits nothing"),
        "suspense": _("In suspense"),
        "unreadable": _("Unreadable"),
        "none": _("No deposit"),
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
