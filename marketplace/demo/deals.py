"""One order of the demo, step by step, each step the service that the page's button calls."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.utils import timezone

from accounts.models import User
from gigs.models import Gig
from marketplace.demo import papers
from marketplace.demo.pictures import palette_of
from marketplace.demo.plans import Plan
from marketplace.demo.tables import dice
from marketplace.demo.world import World
from marketplace.money import format_money, round_money
from marketplace.uploads import check_attachment, check_receipt, private_storage
from orders.models import Order, PaymentMethod
from orders.selectors import gig_terms
from orders.services import lifecycle, payments
from orders.services.receipts import issue_receipts
from orders.states import Custody, Status
from reviews.models import Review
from reviews.services import reply_to_review, write_review


@dataclass
class Deal:
    """An order being made: each method is a step, taken now by the world's clock."""

    world: World
    plan: Plan
    shelf: str
    payer: str
    words: dict[str, Any]
    order: Order = field(init=False)
    die: Random = field(init=False)

    def __post_init__(self) -> None:
        self.die = dice(self.world.seed, "order", self.plan.key)

    @property
    def client(self) -> User:
        return self.world.people[self.plan.client]

    @property
    def gig(self) -> Gig:
        return self.world.gigs[self.plan.gig]

    @property
    def method(self) -> PaymentMethod:
        return self.world.methods[self.plan.method]

    @property
    def freelancer(self) -> User:
        return self.world.people[self.world.owners[self.plan.gig]]

    @property
    def verifier(self) -> User:
        return self.freelancer if self.order.custody == Custody.DIRECT else self.world.moderators()[0]

    def part(self, share: str) -> Decimal:
        """This share of the price, in the order's currency."""
        return round_money(self.order.expected_amount * Decimal(share), self.order.currency)

    def look_again(self) -> None:
        """Clocks and the bank's statement may have moved the order since the last step."""
        self.order = Order.objects.select_related("client", "freelancer", "gig").get(pk=self.order.pk)

    def seen(self, actor: User) -> dict[str, Any]:
        return {"actor": actor, "order_id": self.order.pk, "seen": self.order.version}

    def place(self) -> None:
        self.order = lifecycle.place_order(
            actor=self.client,
            gig_id=self.gig.pk,
            payment_method_id=self.method.pk,
            answers=self.world.answers[self.plan.gig],
            terms=gig_terms(self.gig),
            placement_key=uuid.uuid4(),
        )

    def pay(self, amount: Decimal | None = None) -> None:
        amount = amount or self.order.amount_due
        paid_at, reference = timezone.now() - timedelta(minutes=self.die.randrange(4, 50)), self._transaction()
        lines = [
            ("Amount", format_money(amount, self.order.currency).replace("\u00a0", " ")),
            ("Paid by", self.payer),
            ("Paid to", self.method.account_holder if self.method.account_holder.isascii() else "Yamada Misaki"),
            ("Account", self._short(self.method.account_number)),
            ("Message", self.order.payment_reference),
            ("Transaction", self._short(reference)),
            ("Executed", f"{paid_at:%d %b %Y, %H:%M} UTC"),
        ]
        bank = {"mobile": "Demo Mobile Money", "coin": "Demo Wallet"}.get(self.method.kind, "Demo Bank")
        self.order = payments.submit_payment(
            **self.seen(self.client),
            transaction_reference=reference,
            payer_name=self.client.full_name,
            amount=amount,
            paid_at=paid_at,
            receipt=check_receipt(papers.slip(bank=bank, lines=lines, die=self.die, plain="plain" in self.plan.words)),
        )
        self.world.keep(private_storage(), self.order.proofs.latest("attempt").receipt.name)

    def _short(self, text: str) -> str:
        text = text if text.isascii() else "0000000"
        return text if len(text) <= 30 else f"{text[:14]}…{text[-8:]}"

    def _transaction(self) -> str:
        digits = f"{self.die.randrange(10**11):011}"
        match self.method.kind:
            case PaymentMethod.Kind.MOBILE:
                return "".join(self.die.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=10))
            case PaymentMethod.Kind.COIN:
                return f"{self.die.getrandbits(256):064x}"
            case PaymentMethod.Kind.CASH:
                return f"SLIP {digits[:3]} {digits[3:7]} {digits[7:]}"
        return f"{self.die.choice(['SCT', 'TRX', 'FT'])}{digits}"

    def confirm(self) -> None:
        direct = self.order.custody == Custody.DIRECT
        for verifier in [self.freelancer] if direct else self.world.moderators():
            if self.order.status == Status.PAYMENT_SUBMITTED:  # over the site's limit the first of the two only signs
                self.order = payments.confirm_payment(**self.seen(verifier), received_amount=self.order.amount_due)
        issue_receipts(now=timezone.now())

    def reject(self) -> None:
        reason, note = self.die.choice(self.words["rejections"])
        self.order = payments.reject_payment(**self.seen(self.verifier), reason=reason, note=note)

    def start(self) -> None:
        self.order = lifecycle.start_work(**self.seen(self.freelancer))

    def deliver(self) -> None:
        number = self.order.deliveries.count() + 1
        note = self.die.choice(self.words["again" if number > 1 else "notes"])
        uploads = papers.work(
            shelf=self.shelf,
            title=self.order.gig_title,
            note=note,
            number=number,
            palette=palette_of(self.world.seed, self.plan.gig),
            die=self.die,
        )
        links = [f"https://preview.example.com/{self.plan.gig}/{number}/"] if self.die.random() < 0.4 else []
        files = [check_attachment(upload) for upload in uploads]
        self.order = lifecycle.submit_work(**self.seen(self.freelancer), note=note, links=links, files=files)
        kept = self.order.deliveries.latest("number").files.all()
        self.world.keep(private_storage(), *(row.file.name for row in kept))

    def revise(self) -> None:
        self.order = lifecycle.request_revision(**self.seen(self.client), items=self.die.choice(self.words["revisions"]))

    def approve(self) -> None:
        self.order = lifecycle.approve(**self.seen(self.client))

    def cancel(self) -> None:
        self.order = lifecycle.cancel(**self.seen(self.client), note=self.plan.words["note"])

    def turn_down(self) -> None:
        self.order = lifecycle.cancel(**self.seen(self.freelancer), note=self.plan.words["note"])

    def review_client(self) -> None:
        self._review(self.client, self.plan.words["rating"], self.plan.words["says"])

    def review_freelancer(self) -> None:
        rating, comment = self.die.choice(self.words["backs"])
        self._review(self.freelancer, rating, comment)

    def _review(self, author: User, rating: int, comment: str) -> None:
        write_review(actor=author, order=self.order, rating=rating, comment=comment)

    def reply(self) -> None:
        review = Review.objects.get(order=self.order, by_client=True)
        reply_to_review(actor=self.freelancer, review=review, text=self.plan.words["reply"])
