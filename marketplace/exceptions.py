"""The root of every refusal the site explains to a person."""


class DomainError(Exception):
    """A rule said no. `message` is a sentence the person can act on; `code` is stable, for programs and tests."""

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code
