"""While one side waits for the other's answer: open requests. The words say the same to client and freelancer."""

from django.utils.translation import gettext_lazy as _

from orders.next_step_words.rows import Row, Table, Words, both

_NO = _("No answer is a no: the order goes on as it was.")
_YES = _("No answer is a yes, unless something is delivered before then.")
_PAUSE = _("No answer is a yes: the clock then stands still for up to %(days)s days.")
_DELIVERED = _("No answer is a no. The delivery waits for this answer; after that it approves itself in its time.")
_DIVISION = _(
    "Of %(amount)s, %(proposed_refund)s would go back to %(client)s and %(proposed_part)s, less the fee, to %(freelancer)s."
)
_DIRECT_DIVISION = _("%(freelancer)s would keep %(proposed_part)s of %(amount)s and owe %(client)s %(proposed_refund)s back.")


def _cancellation(key: str, division: Words, silence: Words) -> Table:
    theirs = Row("you", _("%(other)s proposes to cancel: answer"), division, silence, "order.proposal_by")
    mine = Row("them", _("%(other)s has your proposal to cancel"), division, silence, "order.proposal_by")
    return {**both(f"their cancellation{key}", theirs), **both(f"my cancellation{key}", mine)}


def _pause(key: str, silence: Words) -> Table:
    theirs = Row(
        "you",
        _("%(other)s has a question and asks for a pause: answer"),
        _("The delivery clock would stand still for up to %(days)s days. The question stands with the request."),
        silence,
        "order.proposal_by",
    )
    mine = Row(
        "them",
        _("%(other)s has your question and your request for a pause"),
        _("The delivery clock runs until it is answered."),
        silence,
        "order.proposal_by",
    )
    return {**both(f"their pause{key}", theirs), **both(f"my pause{key}", mine)}


ASKING: Table = {
    **_cancellation("", _DIVISION, _NO),
    **_cancellation(", silence accepts", _DIVISION, _YES),
    **_cancellation(", delivered", _DIVISION, _DELIVERED),
    **both(
        "their extension",
        Row(
            "you",
            _("%(other)s asks for more time: answer"),
            _("The delivery would be due %(new_due)s. The reason stands with the request."),
            _NO,
            "order.proposal_by",
        ),
    ),
    **both(
        "my extension",
        Row(
            "them",
            _("%(other)s has your request for more time"),
            _("The delivery would be due %(new_due)s."),
            _NO,
            "order.proposal_by",
        ),
    ),
    **_pause("", _PAUSE),
    **_pause(", overdue", _NO),
}
DIRECT_ASKING: Table = {
    **_cancellation("", _DIRECT_DIVISION, _NO),
    **_cancellation(", silence accepts", _DIRECT_DIVISION, _YES),
    **_cancellation(", delivered", _DIRECT_DIVISION, _DELIVERED),
}
