"""What makes an account fit to be paid to: an IBAN for euros into a bank, a sensible number or address elsewhere. Pure Python."""

import re

from django.utils.translation import gettext as _
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from marketplace.exceptions import DomainError
from orders.iban import compact, is_iban, looks_like_iban

COINS = frozenset({"BTC", "ETH", "LTC", "USDC", "USDT"})
ON_SEVERAL_NETWORKS = frozenset({"USDC", "USDT"})
LENGTHS = {"bank": (4, 40), "mobile": (5, 40), "cash": (4, 80), "coin": (20, 120)}  # characters without spaces, by kind


class AccountRefused(DomainError):
    """`field` names what is wrong with: account, routing or currency."""

    code = "account_refused"

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def checked_account(*, kind: str, currency: str, account: str, routing: str) -> tuple[str, str]:
    """The account number and the routing as they are kept; AccountRefused where nobody could pay to them.

    Euros go into a bank by IBAN, whose BIC is found or checked and becomes the routing.
    """
    if (kind == "coin") != (currency in COINS):
        raise AccountRefused(
            _("A coin address is paid in a coin, and nothing else is. Choose another kind or currency."), "currency"
        )
    if kind == "bank" and currency == "EUR":
        return _checked_iban(account, routing)
    shortest, longest = LENGTHS[kind]
    if not shortest <= len(re.sub(r"\s", "", account)) <= longest:
        raise AccountRefused(_("That is too short or too long for an account of this kind. Compare it again."), "account")
    if kind == "coin" and currency in ON_SEVERAL_NETWORKS and not routing:
        raise AccountRefused(_("Write the network, for example TRC-20: sent on another one, the coins are lost."), "routing")
    if kind == "bank" and looks_like_iban(account):
        if not is_iban(account):
            raise AccountRefused(_("This looks like an IBAN, but its check digits are wrong. Compare it again."), "account")
        account = compact(account)
    return account, routing


def _checked_iban(account: str, routing: str) -> tuple[str, str]:
    try:
        iban = IBAN(compact(account))
    except SchwiftyException as fault:
        raise AccountRefused(_("Euros are sent to an IBAN, and this is none. Compare every character."), "account") from fault
    if not routing:
        return str(iban), str(iban.bic or "")
    try:
        return str(iban), str(BIC(compact(routing)))
    except SchwiftyException as fault:
        raise AccountRefused(_("This is no BIC. Leave it empty if you are not sure: most banks need none."), "routing") from fault


def bic_of(iban: str) -> str:
    """The BIC an IBAN's own bank code leads to, "" where it leads to none."""
    return str(IBAN(iban).bic or "")
