"""Orders in any reachable status, reached by calling the services: no test starts in an impossible state."""

import uuid
from decimal import Decimal
from io import BytesIO

import factory
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Gig
from gigs.tests.factories import GigFactory
from marketplace.uploads import CheckedFile, check_attachment, check_receipt
from orders.models import Order, PaymentMethod
from orders.selectors import gig_terms
from orders.services import lifecycle, payments
from orders.states import Custody, Status


class PlatformMethodFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PaymentMethod

    custody = Custody.PLATFORM
    kind = PaymentMethod.Kind.BANK
    label = factory.Sequence(lambda n: f"Bank account {n}")
    account_holder = "Marketplace Escrow"
    account_number = "DE75512108001245126199"
    routing = "SOGEDEFFXXX"
    currency = "EUR"


class DirectMethodFactory(PlatformMethodFactory):
    custody = Custody.DIRECT
    owner = factory.SubFactory(UserFactory)
    kind = PaymentMethod.Kind.MOBILE
    account_holder = factory.LazyAttribute(lambda method: method.owner.full_name)
    account_number = "+254 712 345 678"
    routing = ""
    pay_window_hours = 2


def picture(colour: str = "white", *, size: tuple[int, int] = (40, 30), name: str = "receipt.png") -> SimpleUploadedFile:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), content_type="image/png")


def a_receipt(colour: str = "white") -> CheckedFile:
    return check_receipt(picture(colour))


def a_file(name: str = "logo.zip", content: bytes = b"the work") -> CheckedFile:
    return check_attachment(SimpleUploadedFile(name, content))


def method_for(gig: Gig, custody: Custody) -> PaymentMethod:
    if custody == Custody.DIRECT:
        return DirectMethodFactory(owner=gig.freelancer, currency=gig.currency)
    return PlatformMethodFactory(currency=gig.currency)


def place(client: User, gig: Gig, method: PaymentMethod, **changes: object) -> Order:
    wishes = {"answers": {}, "terms": gig_terms(gig), "placement_key": uuid.uuid4(), **changes}
    return lifecycle.place_order(actor=client, gig_id=gig.pk, payment_method_id=method.pk, **wishes)


def place_many(count: int, client: User, gig: Gig, method: PaymentMethod) -> list[Order]:
    """More unpaid orders than one client may have: placed by others, then made theirs."""
    orders = [place(UserFactory(), gig, method) for _ in range(count)]
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(client=client)
    return list(Order.objects.filter(pk__in=[order.pk for order in orders]))


def hand_in_proof(order: Order, **changes: object) -> Order:
    proof = {
        "transaction_reference": f"TX-{uuid.uuid4().hex[:12]}",
        "payer_name": order.client.full_name,
        "amount": order.expected_amount,
        "paid_at": timezone.now(),
        "receipt": a_receipt(),
        **changes,
    }
    return payments.submit_payment(actor=order.client, order_id=order.pk, seen=order.version, **proof)


def deliver(order: Order, **changes: object) -> Order:
    work = {"note": "Here it is.", "links": [], "files": [a_file()], **changes}
    return lifecycle.submit_work(actor=order.freelancer, order_id=order.pk, seen=order.version, **work)


def order_in(
    status: Status = Status.PENDING_PAYMENT,
    *,
    client: User,
    freelancer: User,
    verifier: User | None = None,
    custody: Custody = Custody.PLATFORM,
    gig: Gig | None = None,
    price: Decimal = Decimal("120"),
) -> Order:
    """An order in the given status. `verifier` confirms; not given, one moderator of all (PLATFORM) or the freelancer."""
    gig = gig or GigFactory(freelancer=freelancer, price=price, currency="EUR", delivery_days=6, revisions_included=1)
    order = place(client, gig, method_for(gig, custody))
    if status == Status.CANCELLED:
        return lifecycle.cancel(actor=client, order_id=order.pk, seen=order.version)
    for reached, step in _steps(order, verifier or _verifier(order)):
        if order.status == status:
            return order
        order = step(order)
        assert order.status == reached
    assert order.status == status, f"no services reach {status} yet"
    return order


def _verifier(order: Order) -> User:
    if order.custody == Custody.DIRECT:
        return order.freelancer
    known = User.objects.filter(handle="verifier").first()  # each one more is told of every proof from then on
    return known or UserFactory(handle="verifier", is_staff=True, is_superuser=True)


def _steps(order: Order, verifier: User):
    def confirm(o: Order) -> Order:
        return payments.confirm_payment(actor=verifier, order_id=o.pk, seen=o.version, received_amount=o.expected_amount)

    def start(o: Order) -> Order:
        return lifecycle.start_work(actor=o.freelancer, order_id=o.pk, seen=o.version)

    def revise(o: Order) -> Order:
        return lifecycle.request_revision(actor=o.client, order_id=o.pk, seen=o.version, items=["Make it rounder."])

    def approve(o: Order) -> Order:
        return lifecycle.approve(actor=o.client, order_id=o.pk, seen=o.version)

    return [
        (Status.PAYMENT_SUBMITTED, hand_in_proof),
        (Status.PAYMENT_CONFIRMED, confirm),
        (Status.IN_PROGRESS, start),
        (Status.SUBMITTED, deliver),
        (Status.REVISION_REQUESTED, revise),
        (Status.SUBMITTED, deliver),
        (Status.COMPLETED, approve),
    ]


REACHABLE = [
    Status.PENDING_PAYMENT,
    Status.PAYMENT_SUBMITTED,
    Status.PAYMENT_CONFIRMED,
    Status.IN_PROGRESS,
    Status.SUBMITTED,
    Status.REVISION_REQUESTED,
    Status.COMPLETED,
    Status.CANCELLED,
]
