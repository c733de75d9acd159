"""Batches: approved payouts and refunds of one currency as one file for the bank, then marked as sent one by one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Model, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from marketplace.read_only import ReadOnly
from orders.admin.records import signed_in
from orders.models import PayoutBatch
from orders.payment_files import fits_sepa
from orders.selectors import PAY_OUT, may
from orders.selectors.payout_desk import get_batch, list_batchable, list_batched, list_batches
from orders.selectors.payouts import STATE_LABELS
from orders.services.payout_batches import create_batch, export_batch, payment_of
from orders.states import DisbursementState as State

PAGE_SIZE = 50


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnly, admin.ModelAdmin):
    """Its list offers what waits for a batch, its page the file. Whoever may not pay out gets 403."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, PAY_OUT)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, PAY_OUT)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PayoutBatch]:
        return list_batches(request.user)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("collect/", wrap(self.collect), name="orders_payoutbatch_collect"),
            path("<int:batch_id>/rows/", wrap(self.rows), name="orders_payoutbatch_rows"),
            path("<int:batch_id>/export/", wrap(self.export), name="orders_payoutbatch_export"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._only_payers(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        free = list_batchable(signed_in(request), timezone.now()).order_by("currency").values("currency")
        page = Paginator(list_batches(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "title": _("Payout batches"),
            "page_obj": page,
            "waiting": free.annotate(count=Count("pk"), total=Sum("amount")),
        }
        return self._page(request, "admin/orders/payoutbatch/list.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        return redirect("admin:orders_payoutbatch_rows", int(object_id))

    def collect(self, request: HttpRequest) -> HttpResponse:
        self._only_payers(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            batch = create_batch(actor=signed_in(request), currency=request.POST.get("currency", ""))
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("admin:orders_payoutbatch_changelist")
        said = _("Batch %(number)d is made. Download its file, hand it to the bank, then mark each amount as sent.")
        messages.success(request, said % {"number": batch.number})
        return redirect("admin:orders_payoutbatch_rows", batch.pk)

    def rows(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        self._only_payers(request)
        batch = get_batch(request.user, batch_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        rows = list(list_batched(batch))
        in_file = [row for row in rows if fits_sepa(payment_of(row))]
        context = {
            "title": _("Batch %(number)d, %(currency)s") % {"number": batch.number, "currency": batch.currency},
            "batch": batch,
            "rows": [{"row": row, "label": STATE_LABELS[State(row.state)], "in_sepa": row in in_file} for row in rows],
            "total": sum(row.amount for row in rows),
            "sepa_count": len(in_file),
            "list_count": len(rows) - len(in_file),
        }
        return self._page(request, "admin/orders/payoutbatch/batch.html", context)

    def export(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        self._only_payers(request)
        batch = get_batch(request.user, batch_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            name, content = export_batch(actor=signed_in(request), batch_id=batch.pk, as_list=request.POST.get("as") == "list")
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("admin:orders_payoutbatch_rows", batch.pk)
        kind = "application/xml" if name.endswith(".xml") else "text/csv; charset=utf-8"
        response = HttpResponse(content, content_type=kind)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def _only_payers(self, request: HttpRequest) -> None:
        if not may(request.user, PAY_OUT):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})
