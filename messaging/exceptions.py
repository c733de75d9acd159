"""Every refusal of a conversation, with a sentence that says what to do and a stable code."""

from marketplace.exceptions import DomainError


class MessageRefused(DomainError):
    """The words or files are no message."""

    code = "message_refused"


class NotReachable(DomainError):
    """These two cannot write to each other."""

    code = "not_reachable"


class TooFast(DomainError):
    """More than a person writes."""

    code = "too_fast"


class AccountIsNew(DomainError):
    """More new people in a day than a new account may write to."""

    code = "new_account"


class SentOtherwise(DomainError):
    """The same client_id was used for another message."""

    code = "sent_otherwise"


class TooLate(DomainError):
    """The time to change a message is over."""

    code = "too_late"


class TooManySockets(DomainError):
    """The person has as many devices and tabs open as one person may."""

    code = "too_many_sockets"
