"""`{% facts_of order as facts %}`: amounts and instants of an order for its mails, looked up only where a text names them."""

from django import template

from orders.facts import OrderFacts
from orders.models import Order

register = template.Library()


@register.simple_tag
def facts_of(order: Order) -> OrderFacts:
    return OrderFacts(order)
