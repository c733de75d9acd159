"""What a program sends to take a step of an order. The limits are those of the pages' forms."""

from datetime import datetime
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from pydantic import AfterValidator, Field, model_validator

from marketplace.rest.schemas import Amount, Asked, Flag, Id, Instant, Line, Text, whole
from orders.forms import MAX_FILES, MAX_LINK, MAX_LINKS, MAX_POINT, MAX_POINTS, fault_of_payment_date, is_address
from orders.models.proposal import MOST_PAUSED_DAYS
from orders.selectors.proposals import MOST_EXTRA_DAYS

MOST_VERSION = 2**31 - 2


class StepAsked(Asked):
    """`version` is that of the order you have seen: if the order has moved on since, nothing is done. Left out: as it is now."""

    version: Annotated[int, whole(1, MOST_VERSION)] | None = None


class Accepting(StepAsked):
    """What the other side may have changed since it was read is accepted only as it was read: `version` says when that was."""

    version: Annotated[int, whole(1, MOST_VERSION)]


class Noted(StepAsked):
    note: Annotated[str, Text(1000, 0)] = ""


class Answered(StepAsked):
    answer: Annotated[str, Text(2000, 0)] = ""


# --- The payment ----------------------------------------------------------------------------------------------------
def _payable(paid_at: datetime) -> datetime:
    if fault := fault_of_payment_date(paid_at):
        raise ValueError(fault)
    return paid_at


class SubmitPayment(StepAsked):
    """The proof of a payment. Its receipt comes with it, as a file of a form or by the id of one handed in before, or later."""

    proof_reference: Annotated[str, Line(120)] = Field(description="The number your bank, wallet or the network gave it.")
    payer_name: Annotated[str, Line(120)]
    amount: Amount = Field(description="In the order’s currency.")
    paid_at: Annotated[Instant, AfterValidator(_payable)]
    receipt_id: Id | None = None


class ReceivedAsked(StepAsked):
    """`amount` is what the account shows, in the order’s currency. `proof_id`: only if this is the proof being checked."""

    amount: Amount
    proof_id: Id | None = None


class ConfirmPayment(ReceivedAsked):
    more_arrived: Flag = Field(False, description="The amount is more than was due, and the rest is owed to the client.")


class RejectPayment(StepAsked):
    reason: Literal["not_found", "wrong_amount", "wrong_account", "unreadable", "duplicate", "name_mismatch"]
    note: Annotated[str, Text(1000)] = Field(description="What you looked for, and what the client should do now.")
    proof_id: Id | None = None


# --- The work -------------------------------------------------------------------------------------------------------
def _address(link: str) -> str:
    if not is_address(link):
        raise ValueError(_("This is not a web address that begins with https:// or http://."))
    return link


Link = Annotated[str, Line(MAX_LINK), AfterValidator(_address)]


class SubmitWork(StepAsked):
    """A note, and at least one link or file. `file_ids` are those of files handed in before, as work."""

    note: Annotated[str, Text(4000)]
    links: list[Link] = Field([], max_length=MAX_LINKS)
    file_ids: list[Id] = Field([], max_length=MAX_FILES)


class RequestRevision(StepAsked):
    """What is to be changed, point by point. A `note` is kept as the last point."""

    items: list[Annotated[str, Line(MAX_POINT)]] = Field(min_length=1, max_length=MAX_POINTS)
    note: Annotated[str, Text(MAX_POINT, 0)] = ""

    @model_validator(mode="after")
    def _not_too_many(self) -> "RequestRevision":
        if len(self.points) > MAX_POINTS:
            raise ValueError(_("Give at most %(max)d points.") % {"max": MAX_POINTS})
        return self

    @property
    def points(self) -> list[str]:
        return [*self.items, self.note] if self.note else self.items


# --- What one side asks of the other --------------------------------------------------------------------------------
class ProposeExtension(StepAsked):
    days: Annotated[int, whole(1, MOST_EXTRA_DAYS)]
    reason: Annotated[str, Text(2000)]


class AskPause(StepAsked):
    question: Annotated[str, Text(2000)] = Field(description="What you need from the client before you can go on.")
    days: Annotated[int, whole(1, MOST_PAUSED_DAYS)] = Field(description="For how long the clock stands at most.")


class ProposeCancellation(StepAsked):
    freelancer_amount: Amount = Field(description="What the freelancer keeps of what was paid, before the fee: less than all.")
    reason: Annotated[str, Text(2000)]
