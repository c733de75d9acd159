"""The moderators' side of orders: payments, statements, cases, money on its way out, and the record to look things up in."""

from orders.admin.cases import DisputeAdmin
from orders.admin.ledger import LedgerAccountAdmin, LedgerTransferAdmin
from orders.admin.methods import PaymentMethodAdmin
from orders.admin.payout_batches import PayoutBatchAdmin
from orders.admin.payouts import DisbursementAdmin
from orders.admin.proofs import PaymentProofAdmin
from orders.admin.records import DeliveryAdmin, OrderAdmin, OrderEventAdmin, RequirementAnswerAdmin, RevisionRequestAdmin
from orders.admin.statements import BankStatementAdmin

__all__ = [
    "BankStatementAdmin",
    "DeliveryAdmin",
    "DisbursementAdmin",
    "DisputeAdmin",
    "LedgerAccountAdmin",
    "LedgerTransferAdmin",
    "OrderAdmin",
    "OrderEventAdmin",
    "PaymentMethodAdmin",
    "PaymentProofAdmin",
    "PayoutBatchAdmin",
    "RequirementAnswerAdmin",
    "RevisionRequestAdmin",
]
