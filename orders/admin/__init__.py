"""The moderators' side of orders: the payment verification desk, the platform's accounts, and the record to look things up in."""

from orders.admin.desk import PaymentProofAdmin
from orders.admin.methods import PaymentMethodAdmin
from orders.admin.records import DeliveryAdmin, OrderAdmin, OrderEventAdmin, RequirementAnswerAdmin, RevisionRequestAdmin

__all__ = [
    "DeliveryAdmin",
    "OrderAdmin",
    "OrderEventAdmin",
    "PaymentMethodAdmin",
    "PaymentProofAdmin",
    "RequirementAnswerAdmin",
    "RevisionRequestAdmin",
]
