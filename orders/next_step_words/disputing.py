"""While a dispute is open. Nothing here depends on the side, only on whose statement is missing."""

from django.utils.translation import gettext_lazy as _

from orders.next_step_words.rows import Row, Table, Words, both

_HELD = _("The %(amount)s stays in escrow until it is settled or ruled. You can settle at any time.")
_NOT_HELD = _("This site holds no money of this order, but a moderator can rule who owes what. You can settle at any time.")
_WITHOUT = _("The case goes on without the missing statement, and a moderator decides from what is there.")


def _statements(key: str, text: Words, headline_you: Words, headline_them: Words, if_nobody: Words) -> Table:
    yours = Row("you", headline_you, text, if_nobody, "order.dispute_by")
    theirs = Row("them", headline_them, text, if_nobody, "order.dispute_by")
    return {**both(f"statement of mine{key}", yours), **both(f"statement of theirs{key}", theirs)}


def _rows(text: Words) -> Table:
    you, them = _("A dispute is open: write your side"), _("A dispute is open: %(other)s has to write their side")
    late_you = _("Your statement in the dispute is overdue")
    late_them = _("%(other)s has not written their side yet")
    return {
        **_statements("", text, you, them, _("Who has not written is reminded once. Then the case goes on without them.")),
        **_statements(", late", text, late_you, late_them, _WITHOUT),
        **both(
            "evidence",
            Row(
                "you",
                _("A dispute is open: add your evidence"),
                text,
                _("A moderator takes the case and decides from what is there."),
                "order.dispute_by",
            ),
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


DISPUTING: Table = _rows(_HELD)
DIRECT_DISPUTING: Table = _rows(_NOT_HELD)
