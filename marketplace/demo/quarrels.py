"""Steps of the demo's disputes, each the service that the page's button calls. See `steps`."""

from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.demo import papers
from marketplace.demo.deals import Deal
from marketplace.uploads import check_attachment, private_storage
from orders.models import Dispute, Evidence
from orders.services import disputes, rulings, settlements
from orders.services.evidence import add_evidence


def _case(deal: Deal) -> Dispute:
    return deal.order.disputes.latest("number")


def dispute(deal: Deal) -> None:
    words = deal.plan.words
    deal.order = disputes.open_dispute(
        **deal.seen(deal.client), reason=words["reason"], statement=words["statement"], wanted_amount=deal.part(words["wanted"])
    )


def protest(deal: Deal) -> None:
    """The client's money is not confirmed, and the time to do so is over."""
    deal.order = disputes.open_dispute(**deal.seen(deal.client), reason="payment", statement=deal.plan.words["statement"])


def dispute_later(deal: Deal) -> None:
    words = deal.plan.words
    deal.order = disputes.dispute_completed(
        **deal.seen(deal.client), reason=words["reason"], statement=words["statement"], wanted_amount=deal.part(words["wanted"])
    )


def dispute_by_staff(deal: Deal) -> None:
    words, moderator = deal.plan.words, deal.world.moderators()[0]
    deal.order = disputes.dispute_completed(**deal.seen(moderator), reason=words["reason"], statement=words["statement"])


def respond(deal: Deal) -> None:
    words = deal.plan.words
    deal.order = disputes.answer_dispute(
        **deal.seen(deal.freelancer), statement=words["response"], wanted_amount=deal.part(words.get("claimed", "1"))
    )


def withdraw_dispute(deal: Deal) -> None:
    deal.order = disputes.withdraw_dispute(**deal.seen(deal.client), note=deal.plan.words["why"])


def show(deal: Deal) -> None:
    """The client adds a file that both sides see."""
    note = deal.plan.words["evidence"]
    paper = SimpleUploadedFile("what-was-agreed.pdf", papers.pdf(deal.order.gig_title[:52], note), "application/pdf")
    row = add_evidence(
        actor=deal.client, dispute_id=_case(deal).pk, note=note, audience=Evidence.Audience.ALL, file=check_attachment(paper)
    )
    deal.world.keep(private_storage(), row.file.name)


def show_staff(deal: Deal) -> None:
    note = deal.plan.words["in_private"]
    add_evidence(actor=deal.freelancer, dispute_id=_case(deal).pk, note=note, audience=Evidence.Audience.STAFF)


def client_offers(deal: Deal) -> None:
    share = deal.part(deal.plan.words["client_offer"])
    deal.order = settlements.offer_settlement(**deal.seen(deal.client), freelancer_amount=share)


def freelancer_offers(deal: Deal) -> None:
    share = deal.part(deal.plan.words["freelancer_offer"])
    deal.order = settlements.offer_settlement(**deal.seen(deal.freelancer), freelancer_amount=share)


def client_accepts(deal: Deal) -> None:
    deal.order = settlements.accept_settlement(**deal.seen(deal.client))


def freelancer_accepts(deal: Deal) -> None:
    deal.order = settlements.accept_settlement(**deal.seen(deal.freelancer))


def take_case(deal: Deal) -> None:
    deal.order = rulings.take_case(**deal.seen(deal.world.moderators()[0]))


def write_note(deal: Deal) -> None:
    rulings.add_staff_note(actor=deal.world.moderators()[0], dispute_id=_case(deal).pk, text=deal.plan.words["note"])


def rule(deal: Deal) -> None:
    share = deal.part(deal.plan.words["part"])
    deal.order = rulings.rule(
        **deal.seen(deal.world.moderators()[0]),
        freelancer_amount=share,
        client_amount=deal.order.expected_amount - share,
        reason=deal.plan.words["ruling"],
    )


def appeal(deal: Deal) -> None:
    loser = deal.client if deal.plan.words.get("lost") == "client" else deal.freelancer
    deal.order = rulings.appeal(**deal.seen(loser), reason=deal.plan.words["appeal"])
