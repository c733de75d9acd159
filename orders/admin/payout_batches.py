"""Batches: approved payouts and refunds of one currency as one file for the bank, then marked as sent one by one."""

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.desks import Desk, View, paged, posts, reads
from marketplace.exceptions import DomainError
from orders.admin.records import signed_in
from orders.models import PayoutBatch
from orders.payment_files import fits_sepa
from orders.selectors import PAY_OUT
from orders.selectors.payout_desk import exported_before, get_batch, list_batchable, list_batched, list_batches
from orders.selectors.payouts import STATE_LABELS
from orders.services.payout_batches import create_batch, export_batch, payment_of
from orders.states import DisbursementState as State


@admin.register(PayoutBatch)
class PayoutBatchAdmin(Desk):
    """Its list offers what waits for a batch, its page the file. A batch with one's own money is 404."""

    permission = PAY_OUT
    finds = {"batch_id": get_batch}
    row_page = "rows"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PayoutBatch]:
        return list_batches(request.user)

    def views(self) -> dict[str, tuple[str, View]]:
        return {
            "collect": ("collect/", self.collect),
            "rows": ("<int:batch_id>/rows/", self.rows),
            "export": ("<int:batch_id>/export/", self.export),
        }

    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        free = list_batchable(signed_in(request), timezone.now()).order_by("currency").values("currency")
        context = {
            "title": _("Payout batches"),
            "page_obj": paged(request, list_batches(request.user)),
            "no_sepa": not settings.SEPA_DEBTOR_IBAN,
            "waiting": free.annotate(count=Count("pk"), total=Sum("amount")),
        }
        return self.page(request, "list", context)

    @posts
    def collect(self, request: HttpRequest) -> HttpResponse:
        try:
            batch = create_batch(actor=signed_in(request), currency=request.POST.get("currency", ""))
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return self.to("changelist")
        messages.success(request, _("Batch %(number)d is made.") % {"number": batch.number})
        return self.to("rows", batch.pk)

    @reads
    def rows(self, request: HttpRequest, batch: PayoutBatch) -> HttpResponse:
        rows = list(list_batched(batch))
        exports = exported_before(rows)
        in_sepa = {row.pk for row in rows if fits_sepa(payment_of(row))}
        context = {
            "title": _("Batch %(number)d, %(currency)s") % {"number": batch.number, "currency": batch.currency},
            "batch": batch,
            "rows": [{"row": row, "label": STATE_LABELS[State(row.state)], "in_sepa": row.pk in in_sepa} for row in rows],
            "twice": [(row, exports[row.pk]) for row in rows if exports.get(row.pk)],
            "total": sum(row.amount for row in rows),
            "no_sepa": not settings.SEPA_DEBTOR_IBAN,
            "sepa_count": len(in_sepa),
            "list_count": len(rows) - len(in_sepa),
        }
        return self.page(request, "batch", context)

    @posts
    def export(self, request: HttpRequest, batch: PayoutBatch) -> HttpResponse:
        try:
            name, content = export_batch(actor=signed_in(request), batch_id=batch.pk, as_list=request.POST.get("as") == "list")
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return self.to("rows", batch.pk)
        kind = "application/xml" if name.endswith(".xml") else "text/csv; charset=utf-8"
        response = HttpResponse(content, content_type=kind)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
