"""Until the money is there: paying, paying the rest, the check."""

from django.utils.translation import gettext_lazy as _

from orders.next_step_words.rows import WAITS_FOR_A_PERSON, Row, Table
from orders.states import Role

PAYING: Table = {
    ("pay", Role.CLIENT): Row(
        "you",
        _("Pay %(amount)s, then hand in your proof"),
        _("Pay into the account of this order, with the reference %(reference)s. Then come back with the receipt."),
        _("The order expires by itself on %(expires)s, and nothing is owed."),
        "order.pay_by",
    ),
    ("pay", Role.FREELANCER): Row(
        "them",
        _("Waiting for %(client)s to pay"),
        _("Do not start yet. You are told as soon as the payment is confirmed."),
        _("The order expires by itself on %(expires)s, and nothing is owed. You can cancel it as long as nothing is paid."),
        "order.pay_by",
    ),
    ("pay, late", Role.CLIENT): Row(
        "you",
        _("The time to pay is over: hand in your proof now if you have paid"),
        _("If you have not paid %(amount)s yet, you still can. Only a proof of payment keeps the order open."),
        _("The order expires by itself, and nothing is owed."),
        "expires_at",
    ),
    ("pay, late", Role.FREELANCER): Row(
        "them",
        _("%(client)s has not paid in time"),
        _("Do not start. A proof of payment can still come until then."),
        _("The order expires by itself, and nothing is owed."),
        "expires_at",
    ),
    ("again", Role.CLIENT): Row(
        "you",
        _("Your proof was not accepted: hand in another one"),
        _("The reason stands with that proof. If the payment was wrong, ask a moderator before you pay again: %(support)s."),
        _("The order expires by itself on %(expires)s. If you have really paid, hand in a proof before then."),
        "order.pay_by",
    ),
    ("again", Role.FREELANCER): Row(
        "them",
        _("Waiting for %(client)s to hand in another proof"),
        _("The last one was not accepted. Do not start yet. You are told as soon as a payment is confirmed."),
        _("The order expires by itself on %(expires)s. A payment may be on its way, so until then only %(client)s can cancel."),
        "order.pay_by",
    ),
    ("again, late", Role.CLIENT): Row(
        "you",
        _("Your proof was not accepted, and the time to pay is over"),
        _("If you have really paid, hand in a proof that shows it now, or write to %(support)s."),
        _("The order expires by itself. Money of yours that turns up later still brings it back."),
        "expires_at",
    ),
    ("again, late", Role.FREELANCER): Row(
        "them",
        _("%(client)s has not handed in another proof in time"),
        _("Do not start. A proof that holds can still come until then."),
        _("The order expires by itself, and nothing is owed."),
        "expires_at",
    ),
    ("rest", Role.CLIENT): Row(
        "you",
        _("Pay the missing %(due)s, then hand in your proof"),
        _("%(received)s of %(amount)s has arrived and is held in escrow. Pay the rest with the same reference, %(reference)s."),
        _("Your part stays in escrow and nothing expires. A moderator looks at it. You can cancel and get it back."),
        "order.pay_by",
    ),
    ("rest", Role.FREELANCER): Row(
        "them",
        _("Waiting for %(client)s to pay the missing %(due)s"),
        _("%(received)s of %(amount)s is held in escrow. Do not start before the rest is there."),
        _("Nothing expires while money is held. A moderator looks at it; only they or %(client)s can cancel."),
        "order.pay_by",
    ),
    ("check", Role.CLIENT): Row(
        "platform",
        _("We are checking your payment"),
        _("A moderator compares it with the account. You need not do anything."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
    ("check", Role.FREELANCER): Row(
        "platform",
        _("The payment is being checked"),
        _("A moderator compares it with the account. Do not start before it is confirmed."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
    ("direct check", Role.CLIENT): Row(
        "them",
        _("%(freelancer)s is checking your payment"),
        _("You paid the freelancer directly, so they look for the money on their own account."),
        _("After this time moderators are told and can decide too, and you can open a dispute. No clock confirms a payment."),
        "order.review_due_at",
    ),
    ("direct check", Role.FREELANCER): Row(
        "you",
        _("Look for %(due)s on your account"),
        _("%(client)s says it is paid. Confirm only what you see on your account with the reference %(reference)s."),
        _("After this time moderators are told and can decide in your place, and %(client)s can open a dispute."),
        "order.review_due_at",
    ),
    ("direct check, late", Role.CLIENT): Row(
        "them",
        _("%(freelancer)s has not checked your payment in time"),
        _("Moderators have been told and can decide. If you get no answer, you can open a dispute now."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
    ("direct check, late", Role.FREELANCER): Row(
        "you",
        _("Look for %(due)s on your account now"),
        _("%(client)s has waited too long for your answer. Moderators can decide in your place, and a dispute can be opened."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
    ("staff check", Role.CLIENT): Row(
        "platform",
        _("A moderator checks this payment"),
        _("Three proofs were turned down, so a moderator decides about this one, not %(freelancer)s."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
    ("staff check", Role.FREELANCER): Row(
        "platform",
        _("A moderator checks this payment"),
        _("Three proofs were turned down, so a moderator decides about this one."),
        WAITS_FOR_A_PERSON,
        "order.review_due_at",
    ),
}
