"""When the work is over: released, refunded, divided, owed, cancelled, expired."""

from django.utils.translation import gettext_lazy as _

from orders.next_step_words.rows import Row, Table, both
from orders.states import Role

_KEPT = _("Nothing is lost: it is kept for you until you do.")
_RECORDED = _("Nothing happens by itself: this site does not hold the money. The order shows that it is owed. Help: %(support)s.")

ENDING: Table = {
    ("released, on hold", Role.CLIENT): Row(
        "nobody",
        _("Done. The money is released"),
        _("%(amount)s left escrow for %(freelancer)s. If you were deceived, you can open a dispute until %(hold)s."),
    ),
    ("released, on hold", Role.FREELANCER): Row(
        "nobody",
        _("Done. %(net)s is yours"),
        _("That is %(part)s less the fee. It can be paid out from %(hold)s on: ask for it on your balance page then."),
    ),
    ("released", Role.CLIENT): Row(
        "nobody", _("Done. The money is released"), _("%(amount)s left escrow for %(freelancer)s. There is nothing left to do.")
    ),
    ("released", Role.FREELANCER): Row(
        "nobody",
        _("Done. %(net)s is yours"),
        _("That is %(part)s less the fee, and it is on your balance: ask there for a payout when you want it."),
    ),
    ("paid direct, on hold", Role.CLIENT): Row(
        "nobody",
        _("Done"),
        _("%(freelancer)s was paid directly. If you were deceived, you can open a dispute until %(hold)s."),
    ),
    ("paid direct, on hold", Role.FREELANCER): Row(
        "nobody",
        _("Done"),
        _("You were paid directly. Until %(hold)s %(client)s can still open a dispute."),
    ),
    ("paid direct", Role.CLIENT): Row("nobody", _("Done"), _("%(freelancer)s was paid directly. There is nothing left to do.")),
    ("paid direct", Role.FREELANCER): Row("nobody", _("Done"), _("You were paid directly. There is nothing left to do.")),
    ("refund account", Role.CLIENT): Row(
        "you",
        _("Say where your refund of %(refund)s should go"),
        _("Choose one of your accounts, or add one. Then a moderator sends it."),
        _KEPT,
    ),
    ("refund waits", Role.CLIENT): Row(
        "platform",
        _("Your refund of %(refund)s is being prepared"),
        _("A moderator sends it by hand to the account you gave. You are told when it is on its way."),
        _("It is kept for you until a person has sent it. Nothing expires."),
    ),
    ("refund failed", Role.CLIENT): Row(
        "you",
        _("Your refund of %(refund)s did not go through"),
        _("The money is safe and still yours. Check the account you gave: if something is wrong there, choose another one."),
        _KEPT,
    ),
    ("refund sent", Role.CLIENT): Row(
        "you",
        _("Your refund of %(refund)s is on its way"),
        _("Confirm it when you see it on your account. If it has not come within a few days, write to %(support)s."),
        _("Nothing happens by itself: it stays marked as sent."),
    ),
    ("refunded", Role.CLIENT): Row(
        "nobody", _("This order is over: %(client_part)s came back to you"), _("There is nothing left to do.")
    ),
    ("refunded", Role.FREELANCER): Row(
        "nobody", _("This order is over"), _("%(client_part)s goes back to %(client)s. There is nothing for you to do.")
    ),
    ("divided", Role.CLIENT): Row(
        "nobody",
        _("This order is over: the money is divided"),
        _("%(client_part)s came back to you, %(part)s went to %(freelancer)s. There is nothing left to do."),
    ),
    ("divided", Role.FREELANCER): Row(
        "nobody",
        _("This order is over: %(net)s is yours"),
        _("That is %(part)s less the fee, and it is on your balance. %(client_part)s goes back to %(client)s."),
    ),
    ("divided, on hold", Role.FREELANCER): Row(
        "nobody",
        _("This order is over: %(net)s is yours"),
        _("That is %(part)s less the fee. It can be paid out from %(hold)s on. %(client_part)s goes back to %(client)s."),
    ),
    ("owed", Role.CLIENT): Row(
        "them",
        _("%(freelancer)s owes you %(refund)s"),
        _("You paid them directly, so they send it, and this site cannot. Confirm here once you have it."),
        _RECORDED,
    ),
    ("owed", Role.FREELANCER): Row(
        "you",
        _("Send %(refund)s back to %(client)s"),
        _("They paid you directly. Send it, then mark it here as sent, with the reference."),
        _RECORDED,
    ),
    ("owed, sent", Role.CLIENT): Row(
        "you",
        _("%(freelancer)s has sent you %(refund)s: confirm it"),
        _("Look for it on your account and confirm only what you see there. If it does not come, write to %(support)s."),
        _RECORDED,
    ),
    ("owed, sent", Role.FREELANCER): Row(
        "them",
        _("%(client)s looks for your refund of %(refund)s"),
        _("When they confirm that it has arrived, nothing is owed any more."),
        _RECORDED,
    ),
    **both(
        "ruled",
        Row(
            "nobody",
            _("A moderator has ruled"),
            _(
                "%(part)s to %(freelancer)s, %(client_part)s back to %(client)s. The reason stands on the case's page. "
                "Who got less than they asked for can appeal once, until %(appeal)s."
            ),
        ),
    ),
    **both(
        "ruled as unpaid",
        Row(
            "nobody",
            _("A moderator has ruled that nothing was paid"),
            _("The reason stands on the case's page. It can be appealed once, until %(appeal)s."),
        ),
    ),
    **both("cancelled", Row("nobody", _("This order is cancelled"), _("No payment was confirmed, and nothing is owed."))),
    ("expired", Role.CLIENT): Row(
        "nobody",
        _("This order has expired"),
        _("It was not paid in time, and nothing is owed. If you have paid all the same, write to %(support)s."),
    ),
    ("expired", Role.FREELANCER): Row(
        "nobody",
        _("This order has expired"),
        _("It was not paid in time, and nothing is owed. If late money turns up, you are told."),
    ),
}
