"""The money path's rows. Nothing here is ever deleted."""

from orders.models.order import Order, OrderEvent, RequirementAnswer
from orders.models.payment import CLOCK_SKEW, PaymentMethod, PaymentProof
from orders.models.work import Delivery, DeliveryFile, RevisionRequest

__all__ = [
    "CLOCK_SKEW",
    "Delivery",
    "DeliveryFile",
    "Order",
    "OrderEvent",
    "PaymentMethod",
    "PaymentProof",
    "RequirementAnswer",
    "RevisionRequest",
]
