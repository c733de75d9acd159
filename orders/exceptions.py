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


class AnswersIncomplete(DomainError):
    code = "answers_incomplete"


class ProofRefused(DomainError):
    code = "proof_refused"


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


class LineRefused(DomainError):
    """What cannot be done with a line of a bank statement."""

    code = "line_refused"
