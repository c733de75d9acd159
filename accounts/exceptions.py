"""What accounts refuses, in words a person can act on."""

from marketplace.exceptions import DomainError


class EmailTaken(DomainError):
    code = "email_taken"


class HandleTaken(DomainError):
    code = "handle_taken"


class NotAllowed(DomainError):
    code = "not_allowed"


class CannotClose(DomainError):
    code = "cannot_close"
