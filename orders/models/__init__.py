"""The money path's rows. Nothing here is ever deleted."""

from orders.models.order import Order, OrderEvent, RequirementAnswer
from orders.models.payment import PaymentMethod, PaymentProof
from orders.models.work import Delivery, DeliveryFile, RevisionRequest

__all__ = [
    "Delivery",
    "DeliveryFile",
    "Order",
    "OrderEvent",
    "PaymentMethod",
    "PaymentProof",
    "RequirementAnswer",
    "RevisionRequest",
]
