"""While a dispute is open: whose statement or evidence is missing, and who has an offer to answer."""

from django.utils.translation import gettext_lazy as _

from orders.next_step_words.rows import Row, Table, Words, both
from orders.states import Role

_HELD = _("The %(amount)s stays in escrow until it is settled or ruled. You can settle at any time.")
_NOT_HELD = _("This site holds no money of this order, but a moderator can rule who owes what. You can settle at any time.")
_ONCE = _("Who has not written by then is reminded once. From %(answer_at_last)s the case goes on without them.")
_WITHOUT = _("The case goes on without the missing statement, and a moderator decides from what is there.")
_FROM_WHAT_IS_THERE = _("A moderator takes the case and decides from what is there.")
_TO_CLIENT = _("%(offered_part)s would go to %(freelancer)s. Accepting ends the dispute at once.")
_TO_FREELANCER = _("That is before the fee; %(offered_refund)s would go back to %(client)s. Accepting ends the dispute at once.")
_TO_FREELANCER_DIRECT = _("%(offered_refund)s would be owed back to %(client)s. Accepting ends the dispute at once.")


def _statements(key: str, text: Words, headline_you: Words, headline_them: Words, if_nobody: Words) -> Table:
    yours = Row("you", headline_you, text, if_nobody, "order.dispute_by")
    theirs = Row("them", headline_them, text, if_nobody, "order.dispute_by")
    return {**both(f"statement of mine{key}", yours), **both(f"statement of theirs{key}", theirs)}


def _offers(key: str, to_freelancer: Words, if_nobody: Words, deadline: str) -> Table:
    """What the side reads that has an offer of the other before it."""
    to_you = {
        Role.CLIENT: (_("%(freelancer)s offers you %(offered_refund)s back: accept, or offer something else"), _TO_CLIENT),
        Role.FREELANCER: (_("%(client)s offers you %(offered_part)s: accept, or offer something else"), to_freelancer),
    }
    return {
        (f"offer of theirs{key}", side): Row("you", headline, text, if_nobody, deadline)
        for side, (headline, text) in to_you.items()
    }


def _rows(text: Words, to_freelancer: Words) -> Table:
    you, them = _("A dispute is open: write your side"), _("A dispute is open: %(other)s has to write their side")
    late_you = _("Your statement in the dispute is overdue")
    late_them = _("%(other)s has not written their side yet")
    return {
        **_statements("", text, you, them, _ONCE),
        **_statements(", late", text, late_you, late_them, _WITHOUT),
        **both(
            "evidence",
            Row("you", _("A dispute is open: add your evidence"), text, _FROM_WHAT_IS_THERE, "order.dispute_by"),
        ),
        **both(
            "evidence of theirs",
            Row("them", _("Your evidence is in: %(other)s can add theirs"), text, _FROM_WHAT_IS_THERE, "order.dispute_by"),
        ),
        **both(
            "evidence of both",
            Row(
                "platform",
                _("The evidence of both is in: next a moderator decides"),
                text,
                _FROM_WHAT_IS_THERE,
                "order.dispute_by",
            ),
        ),
        **_offers(
            "", to_freelancer, _("The offer stands, and the case goes on. In the end a moderator decides."), "order.dispute_by"
        ),
        **_offers(
            ", unheard",
            to_freelancer,
            _("If you do not accept, write your side: from %(answer_at_last)s the case goes on without it."),
            "order.dispute_by",
        ),
        **_offers(
            ", review",
            to_freelancer,
            _("The offer stands until a moderator has decided. No clock ever rules: the ruling is due %(rule_by)s."),
            "",
        ),
        **both(
            "review",
            Row(
                "platform",
                _("A moderator decides the dispute"),
                text,
                _("It waits for a person: no clock ever rules. The moderators are reminded every day."),
                "dispute.rule_by",
            ),
        ),
        **both(
            "review of an appeal",
            Row(
                "platform",
                _("The ruling is appealed: another moderator decides"),
                text,
                _("It waits for a person: no clock ever rules. The next ruling is final."),
                "dispute.rule_by",
            ),
        ),
    }


DISPUTING: Table = _rows(_HELD, _TO_FREELANCER)
DIRECT_DISPUTING: Table = _rows(_NOT_HELD, _TO_FREELANCER_DIRECT)
