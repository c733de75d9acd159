"""Every refusal of the money path, with a sentence that says what to do and a stable code."""

from marketplace.exceptions import DomainError


class OrderMoved(DomainError):
    """The order is no longer as the person saw it."""

    code = "order_moved"


class ActionNotAllowed(DomainError):
    """The table has no such step for this person in this status."""

    code = "action_not_allowed"


class GigNotOrderable(DomainError):
    code = "gig_not_orderable"


class GigChanged(DomainError):
    code = "gig_changed"


class PaymentMethodNotUsable(DomainError):
    code = "payment_method_not_usable"


class TooManyUnpaid(DomainError):
    """As many orders of this client wait for a first payment as may."""

    code = "too_many_unpaid_orders"


class TooManyPlaced(DomainError):
    """As many orders of this client came to nothing within a day as may."""

    code = "too_many_orders_today"


class AnswersIncomplete(DomainError):
    code = "answers_incomplete"


class ProofRefused(DomainError):
    code = "proof_refused"


class ReceiptRefused(DomainError):
    """No proof of this client is being checked that still lacks its receipt."""

    code = "receipt_refused"


class FileGone(DomainError):
    """A file that was handed in before is not there any more, or was never this person's."""

    code = "file_gone"


class FileRedrawn(DomainError):
    """A picture that is not, byte for byte, what was handed in."""

    code = "file_redrawn"


class ReferenceUsed(DomainError):
    code = "reference_used"


class AmountMismatch(DomainError):
    code = "amount_mismatch"


class SecondModeratorNeeded(DomainError):
    code = "second_moderator_needed"


class DeliveryIncomplete(DomainError):
    code = "delivery_incomplete"


class NoRevisionsLeft(DomainError):
    code = "no_revisions_left"


class TooEarly(DomainError):
    """A step whose time has not come."""

    code = "too_early"


class NotEnoughMoney(DomainError):
    """An account would hold less than nothing."""

    code = "not_enough_money"


class AlreadyPaidOut(DomainError):
    """Money of this decision has left already."""

    code = "already_paid_out"


class ProposalRefused(DomainError):
    code = "proposal_refused"


class DisputeRefused(DomainError):
    code = "dispute_refused"


class DisbursementRefused(DomainError):
    """A payout or refund that cannot be made, or not now."""

    code = "disbursement_refused"


class PayoutOpen(DisbursementRefused):
    """One request of a balance at a time."""

    code = "payout_open"


class LineRefused(DomainError):
    """What cannot be done with a line of a bank statement."""

    code = "line_refused"
