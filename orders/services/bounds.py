"""How much one client may order without paying (settings.ORDER_LIMITS): each order tells a freelancer to expect work."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from orders.exceptions import TooManyPlaced, TooManyUnpaid
from orders.models import Order
from orders.states import PaymentStatus, Status

DAY = timedelta(days=1)


def check_room_to_order(client: User, freelancer: User, now: datetime) -> None:
    """Raises TooManyUnpaid and TooManyPlaced. Holds the client's row, so that of orders placed at once each counts the others."""
    User.objects.select_for_update(no_key=True).get(pk=client.pk)
    placed = Order.objects.filter(client=client, funded_amount=0, confirmed_at__isnull=True)
    waiting = placed.filter(status=Status.PENDING_PAYMENT, payment_status=PaymentStatus.AWAIT_DEPOSIT)
    _check_waiting(waiting, freelancer)
    _check_day(placed.filter(created_at__gt=now - DAY), freelancer)


def _check_waiting(waiting: QuerySet[Order], freelancer: User) -> None:
    of_all, with_one = _count(waiting, freelancer)
    if with_one >= settings.ORDER_LIMITS["unpaid_one"]:
        words = _(
            "%(most)d of your orders with this freelancer wait for a first payment. Pay or cancel one before you place another: "
            "%(title)s (%(reference)s) has to be paid next."
        )
        raise TooManyUnpaid(words % ({"most": with_one} | _next_of(waiting.filter(freelancer=freelancer))))
    if of_all >= settings.ORDER_LIMITS["unpaid"]:
        words = _(
            "%(most)d of your orders wait for a first payment. Pay or cancel one before you place another: "
            "%(title)s (%(reference)s) has to be paid next."
        )
        raise TooManyUnpaid(words % ({"most": of_all} | _next_of(waiting)))


def _check_day(placed: QuerySet[Order], freelancer: User) -> None:
    of_all, with_one = _count(placed, freelancer)
    if with_one >= settings.ORDER_LIMITS["day_one"]:
        words = _("You have placed %(most)d orders with this freelancer within a day that are not paid. Try again tomorrow.")
        raise TooManyPlaced(words % {"most": with_one})
    if of_all >= settings.ORDER_LIMITS["day"]:
        raise TooManyPlaced(
            _("You have placed %(most)d orders within a day that are not paid. Try again tomorrow.") % {"most": of_all}
        )


def _count(orders: QuerySet[Order], freelancer: User) -> tuple[int, int]:
    """How many they are, and how many of them with this freelancer."""
    found = orders.aggregate(of_all=Count("pk"), with_one=Count("pk", filter=Q(freelancer=freelancer)))
    return found["of_all"], found["with_one"]


def _next_of(waiting: QuerySet[Order]) -> dict[str, str]:
    """The order that has to be paid first, for the words of a refusal."""
    order = waiting.order_by("pay_by", "pk")[0]
    return {"title": order.gig_title, "reference": order.payment_reference}
