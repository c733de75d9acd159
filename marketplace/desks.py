"""What every desk is: a queue, a page for each row, and decisions taken there, each a form that a service answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe

from marketplace.exceptions import DomainError
from marketplace.read_only import ReadOnly

PAGE_SIZE = 50
Data = dict[str, Any]
View = Callable[..., HttpResponseBase]
Find = Callable[[Any, Any], Any]
Answered = dict[str, forms.Form]  # a form that was refused, by the name of its decision

reads = method_decorator(require_safe)
posts = method_decorator(require_POST)


@dataclass(frozen=True)
class Decision:
    """One step with a row: what is typed for it, and the service that takes it. `take` returns what is said after it."""

    form: type[forms.Form]
    take: Callable[[Any, Any, Data], str]
    needs: Callable[[Any], Data] = lambda row: {}  # what else the form is made with, from the row


class Desk(ReadOnly, admin.ModelAdmin):
    """Its list is the queue, its page where a row is decided.

    Every address asks in this order: 403 without the `permission`, 404 where there is no such row for this person, 405.
    """

    permission: str
    finds: Mapping[str, Find]  # the row for an id in an address, by the id's name; Http404 where this person may not see it
    row_page: str  # the name of the page of one row
    row_id: str  # the name of the id of what is decided
    row_id_kind = "uuid"
    decisions: Mapping[str, Decision] = {}

    # --- What each desk says -----------------------------------------------------------------------------------------
    def views(self) -> dict[str, tuple[str, View]]:
        """Address and view of its own pages and buttons, by name. A view gets the rows of its address."""
        raise NotImplementedError

    def queue(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        raise NotImplementedError

    def show(self, request: HttpRequest, row: Any, answered: Answered) -> HttpResponse:
        """The page of a row."""
        raise NotImplementedError

    def version_of(self, row: Any) -> int | None:
        """What a decision must have seen; None where it is taken once."""
        return None

    def after(self, request: HttpRequest, row: Any) -> HttpResponse:
        return self.to(self.row_page, row.pk)

    # --- Doors -------------------------------------------------------------------------------------------------------
    def may(self, request: HttpRequest) -> bool:
        """The site of the admin has asked for a second factor before."""
        return request.user.has_perm(self.permission)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request)

    def get_urls(self) -> list[URLPattern]:
        steps: dict[str, tuple[str, View]] = {
            name: (self.address_of(name), partial(self.decide, name=name)) for name in self.decisions
        }
        own = [
            path(address, self.admin_site.admin_view(self._door(view)), name=self._name_of(name))
            for name, (address, view) in {**self.views(), **steps}.items()
        ]
        return [*own, *super().get_urls()]

    def address_of(self, decision: str) -> str:
        return f"<{self.row_id_kind}:{self.row_id}>/{decision.replace('_', '-')}/"

    def _name_of(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _door(self, view: View) -> View:
        def inside(request: HttpRequest, **ids: Any) -> HttpResponseBase:
            if not self.may(request):
                raise PermissionDenied
            return view(request, *(self.finds[name](request.user, row_id) for name, row_id in ids.items()))

        return inside

    def changelist_view(self, request: HttpRequest, extra_context: Data | None = None) -> HttpResponseBase:  # type: ignore[override]
        return self._door(self.queue)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        """Where Django's own links lead."""
        if request.method == "POST" or not self.may(request):
            raise PermissionDenied
        try:
            return self.to(self.row_page, self.opts.pk.to_python(object_id))
        except (ValidationError, NoReverseMatch) as no_id:
            raise Http404 from no_id

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Data | None = None) -> HttpResponse:
        if not self.may(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    # --- Pages and decisions -----------------------------------------------------------------------------------------
    @reads
    def look(self, request: HttpRequest, row: Any) -> HttpResponse:
        return self.show(request, row, {})

    @posts
    def decide(self, request: HttpRequest, row: Any, *, name: str) -> HttpResponse:
        decision, form = self.decisions[name], self.form_of(name, row, request.POST, request.FILES)
        if not form.is_valid():
            return self.show(request, row, {name: form})
        try:
            said = decision.take(request.user, row, form.cleaned_data)
        except DomainError as refusal:
            return self.refuse(request, row, name, form, refusal)
        messages.success(request, said)
        return self.after(request, row)

    def refuse(self, request: HttpRequest, row: Any, name: str, form: forms.Form, refusal: DomainError) -> HttpResponse:
        """The page as it is now, with the reason and what was typed."""
        row = self.finds[self.row_id](request.user, row.pk)
        form.add_error(None, refusal.message)
        form.data = {**request.POST.dict(), form.add_prefix("seen"): self.version_of(row)}
        return self.show(request, row, {name: form})

    def form_of(self, name: str, row: Any, *typed: Any) -> forms.Form:
        decision = self.decisions[name]
        return decision.form(*typed, **{"initial": {"seen": self.version_of(row)}, **decision.needs(row)})

    def page(self, request: HttpRequest, name: str, context: Data) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        template = f"admin/{self.opts.app_label}/{self.opts.model_name}/{name}.html"
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})

    def to(self, name: str, *ids: Any) -> HttpResponse:
        return redirect(f"admin:{self._name_of(name)}", *ids)


def searched(request: HttpRequest) -> str:
    return "".join(c for c in request.GET.get("q", "") if c.isprintable()).strip()[:120]


def paged(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))


def refusals(answered: Answered) -> list[str]:
    """Why a decision was not taken, where it is no fault of one field."""
    return [str(error) for form in answered.values() for error in form.non_field_errors()]
