"""The money path's rows. Nothing here is ever deleted."""

from orders.models.disbursement import Disbursement, DisbursementEvent, PayoutAccount, PayoutBatch, Receipt
from orders.models.dispute import Dispute, DisputeStatement, Evidence, Ruling, SettlementOffer, StaffNote
from orders.models.ledger import LedgerAccount, LedgerEntry, LedgerTransfer
from orders.models.order import Order, OrderEvent, RequirementAnswer
from orders.models.payment import CLOCK_SKEW, PaymentMethod, PaymentProof
from orders.models.proposal import Proposal, Reminder
from orders.models.statement import BankStatement, StatementLine, UnreadableLine
from orders.models.work import Delivery, DeliveryFile, RevisionRequest

__all__ = [
    "CLOCK_SKEW",
    "BankStatement",
    "Delivery",
    "DeliveryFile",
    "Disbursement",
    "DisbursementEvent",
    "Dispute",
    "DisputeStatement",
    "Evidence",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransfer",
    "Order",
    "OrderEvent",
    "PaymentMethod",
    "PaymentProof",
    "PayoutAccount",
    "PayoutBatch",
    "Proposal",
    "Receipt",
    "Reminder",
    "RequirementAnswer",
    "RevisionRequest",
    "Ruling",
    "SettlementOffer",
    "StaffNote",
    "StatementLine",
    "UnreadableLine",
]
