"""Writing a review of an order, and the one reply to it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import SignedInRequest
from marketplace.exceptions import DomainError
from orders.selectors import get_party_order
from reviews import services
from reviews.forms import ReplyForm, ReviewForm
from reviews.selectors import get_review_to_answer, review_panel_for


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def write(request: SignedInRequest, order_id: UUID) -> HttpResponse:
    order = get_party_order(request.user, order_id)
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            review = services.write_review(actor=request.user, order=order, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            public = _("Both reviews are public now.")
            hidden = _("Your review is saved. It is public as soon as the other side has written too.")
            messages.success(request, public if review.published_at else hidden)
            return redirect("reviews:write", order.pk)
    return render(request, "reviews/write.html", {"panel": review_panel_for(request.user, order), "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def reply(request: SignedInRequest, review_id: int) -> HttpResponse:
    review = get_review_to_answer(request.user, review_id)
    form = ReplyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            services.reply_to_review(actor=request.user, review=review, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("Your reply is public."))
            return redirect("reviews:write", review.order_id)
    return render(request, "reviews/reply.html", {"review": review, "form": form})
