"""What accounts refuses, in words a person can act on."""

from marketplace.exceptions import DomainError


class EmailTaken(DomainError):
    code = "email_taken"


class HandleTaken(DomainError):
    code = "handle_taken"


class HandleReserved(DomainError):
    code = "handle_reserved"


class NameReserved(DomainError):
    """A name that would pass for the site itself."""

    code = "name_reserved"


class NotAllowed(DomainError):
    code = "not_allowed"


class CannotClose(DomainError):
    code = "cannot_close"


# --- Programs -------------------------------------------------------------------------------------------------------
class NotSignedIn(DomainError):
    """What was shown (a token, a key, a session) is not true, or not any more. What is wrong with it is not said."""

    code = "not_signed_in"


class CsrfFailed(DomainError):
    """A browser's cookie alone may not change anything: another page may have sent it."""

    code = "csrf_failed"


class SignInFailed(DomainError):
    """Unknown address, wrong password or closed account: nobody learns which."""

    code = "sign_in_failed"


class EmailUnverified(DomainError):
    code = "email_unverified"


class OtpRequired(DomainError):
    code = "otp_required"


class OtpWrong(DomainError):
    code = "otp_wrong"


class InvalidRefreshToken(DomainError):
    """Unknown, used twice, revoked, expired, of another password or a closed account: nobody learns which."""

    code = "invalid_refresh_token"


class CodeWrong(DomainError):
    """Another code, an old one, one that was tried too often, or of an address without one: nobody learns which."""

    code = "code_wrong"


class WrongPassword(DomainError):
    code = "wrong_password"


class KeyRefused(DomainError):
    """A key needs a name and at least one scope."""

    code = "key_refused"


class TooManyKeys(DomainError):
    code = "too_many_keys"


class KeyUsedOtherwise(DomainError):
    """The same Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"


class KeyInUse(DomainError):
    """The same Idempotency-Key came a moment ago, with a write that is still under way."""

    code = "idempotency_key_in_use"
