"""What programs ask in the world of `world.py`: what stands in the path of each operation, and what is sent to it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.services import register, sign_in
from accounts.tests.test_sign_up import code_in
from gigs.services import archive_gig, pause_gig
from gigs.tests.factories import GigFactory, GigImageFactory
from marketplace.tests.world import World
from messaging import services as messaging
from messaging.models import Message
from orders.models import Disbursement, Evidence, Order, PaymentProof, PayoutAccount
from orders.services import lifecycle, payouts
from orders.states import Custody, Status
from orders.tests.disputing import REASON, STATEMENT
from orders.tests.factories import a_receipt, hand_in_proof, order_in, picture

Makers = dict[str, Callable[[], SimpleUploadedFile]]


@dataclass(frozen=True)
class Asked:
    """`values` stand in the path, in place of those of the world. With `files` it is sent as a form."""

    values: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    files: Makers = field(default_factory=dict)
    query: str = ""


Asks = dict[tuple[str, str], Asked]  # by the operation, "GET /api/orders", and its case on the page

PAY = {"proof_reference": "A1", "payer_name": "Amara", "amount": "120.00", "paid_at": "2026-01-01T10:00:00Z"}
REJECTION = {"reason": "not_found", "note": "Not in my account."}
DAYS = {"days": 2, "reason": "We have moved house."}
# Each step's address for programs, the page's of the same step (which says at which order it is due), and what is sent.
STEPS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "submit-payment": ("submit_payment", PAY),
    "confirm-payment": ("confirm_payment", {"amount": "120.00"}),
    "reject-payment": ("reject_payment", REJECTION),
    "cancel": ("cancel", None),
    "cancel-partial": ("cancel_partial", None),
    "start": ("start_work", None),
    "decline": ("decline", None),
    "submit-work": ("submit_work", {"note": "Here.", "links": ["https://example.com/"]}),
    "approve": ("approve", None),
    "revision": ("request_revision", {"items": ["Make it rounder."]}),
    "cancel-late": ("cancel_late", None),
    "confirm-refund": ("confirm_refund", None),
    "extend": ("propose_extension", DAYS),
    "accept-extension": ("accept_extension", None),
    "pause": ("ask_pause", {"days": 2, "question": "Which colour?"}),
    "grant-pause": ("grant_pause", None),
    "resume": ("resume", None),
    "propose-cancellation": ("propose_cancellation", {"freelancer_amount": "50.00", "reason": "We have moved house."}),
    "accept-cancellation": ("accept_cancellation", None),
    "decline-proposal": ("decline_proposal", None),
    "withdraw-proposal": ("withdraw_proposal", None),
    "open-dispute": ("dispute_open", {"reason": "not_delivered", "statement": STATEMENT}),
    "answer-dispute": ("dispute_answer", {"statement": STATEMENT}),
    "offer-settlement": ("dispute_offer", {"freelancer_amount": "60.00"}),
    "accept-settlement": ("dispute_accept", None),
    "withdraw-dispute": ("dispute_withdraw", None),
    "appeal": ("dispute_appeal", {"reason": REASON}),
}
# The same for what is due about money that leaves.
PAYOUTS = {"withdraw": "withdraw_payout", "confirm": "confirm_received", "retry": "retry_payout"}


def asks_of_programs(world: World) -> Asks:
    """Of every operation that needs more than the world's own values, at the moment at which it is due."""
    client, freelancer = world.people["client"], world.people["freelancer"]
    assert client and freelancer
    return {
        **_of_gigs(world, freelancer),
        **_of_orders(world),
        **_of_payments(world, client, freelancer),
        **_of_disputes(world),
        **_of_money(world, client, freelancer),
        **_of_conversations(world, client, freelancer),
        **_of_people(client, freelancer),
    }


def _of_gigs(world: World, freelancer: User) -> Asks:
    new = {"title": "A logo", "description": "As you like it.", "price": "120.00", "currency": "EUR", "delivery_days": 3}
    paused, archived = (GigFactory(freelancer=freelancer) for _gig in range(2))
    pause_gig(actor=freelancer, gig=paused)
    archive_gig(actor=freelancer, gig=archived)
    of_two = GigImageFactory(gig=GigImageFactory(gig=GigFactory(freelancer=freelancer)).gig)
    image = {"gig_id": of_two.gig_id, "image_id": of_two.pk}
    return {
        ("POST /api/gigs", ""): Asked(body=new),
        ("GET /api/gigs/{gig_id}", "paused"): Asked({"gig_id": paused.pk}),
        ("PATCH /api/gigs/{gig_id}", ""): Asked(body={"title": "Another logo"}),
        ("PATCH /api/gigs/{gig_id}", "paused"): Asked({"gig_id": paused.pk}, {"title": "Another logo"}),
        ("DELETE /api/gigs/{gig_id}", "paused"): Asked({"gig_id": paused.pk}),
        ("POST /api/gigs/{gig_id}/restore", ""): Asked({"gig_id": archived.pk}),
        ("POST /api/gigs/{gig_id}/resume", ""): Asked({"gig_id": paused.pk}),
        ("POST /api/gigs/{gig_id}/images", ""): Asked(files={"files": picture}),
        ("PATCH /api/gigs/{gig_id}/images/{image_id}", ""): Asked(image, {"place": 1}),
        ("DELETE /api/gigs/{gig_id}/images/{image_id}", ""): Asked(image),
    }


def _step(values: dict[str, Any], name: str, body: dict[str, Any] | None) -> Asked:
    """What is accepted is accepted as it is now."""
    if name.startswith("accept-"):
        body = {"version": Order.objects.get(pk=values["order_id"]).version}
    return Asked(values, body)


def _of_orders(world: World) -> Asks:
    placed = world.forms["orders:place"]
    return {
        ("POST /api/orders", ""): Asked(
            body={"gig_id": str(world.values["gig_id"]), "payment_method_id": str(placed["payment_method"])}
        ),
        ("GET /api/orders/{order_id}/receipt", ""): Asked(world.special["orders:order_receipt"]),
        ("GET /api/orders/{order_id}/receipt", "before there is one"): Asked(world.special["orders:submit_payment"]),
        **{
            (f"PATCH /api/orders/{{order_id}}/{name}", ""): _step(world.special[f"orders:{page}"], name, body)
            for name, (page, body) in STEPS.items()
        },
        ("POST /api/orders/{order_id}/reviews", ""): Asked(
            world.special["reviews:write"], {"rating": 5, "comment": "Splendid work."}
        ),
        ("POST /api/reviews/{review_id}/reply", ""): Asked(body={"text": "Thank you."}),
    }


def _of_payments(world: World, client: User, freelancer: User) -> Asks:
    """The receipt that comes afterwards, and what moderators do about payments into the site's own account."""
    gig = Order.objects.get(pk=world.values["order_id"]).gig
    bare = hand_in_proof(order_in(Status.PENDING_PAYMENT, client=client, freelancer=freelancer, gig=gig), receipt=None)
    paying = {"order_id": PaymentProof.objects.get(pk=world.values["proof_id"]).order_id}
    steps = {"confirm-payment": {"amount": "120.00"}, "reject-payment": REJECTION, "record-partial": {"amount": "20.00"}}
    return {
        **{
            (f"PATCH /api/orders/{{order_id}}/{name}", "" if name == "record-partial" else "PLATFORM custody"): Asked(
                paying, body
            )
            for name, body in steps.items()
        },
        ("POST /api/orders/{order_id}/receipt", ""): Asked({"order_id": bare.pk}, files={"file": picture}),
        ("GET /api/orders/{order_id}/proofs/{proof_id}/receipt", ""): Asked(paying),
    }


def _of_disputes(world: World) -> Asks:
    case = world.special["orders:dispute"]
    return {
        ("GET /api/orders/{order_id}/dispute", ""): Asked(case),
        ("GET /api/orders/{order_id}/evidence", ""): Asked(case),
        ("POST /api/orders/{order_id}/evidence", ""): Asked(case, {"note": "And the answer to it."}),
        ("GET /api/evidence/{evidence_id}/file", ""): Asked(world.special["orders:evidence_file"]),
        ("GET /api/evidence/{evidence_id}/file", "for moderators"): Asked(
            {"evidence_id": Evidence.objects.get(name="secret.zip").pk}
        ),
        ("GET /api/orders/{order_id}/evidence-pack", ""): Asked(case),
    }


def _of_money(world: World, client: User, freelancer: User) -> Asks:
    def row(page: str, name: str) -> dict[str, Any]:
        return {name: world.special[f"orders:{page}"]["row_id"]}

    asked = world.forms["orders:request_payout"]
    wanted = {"currency": "EUR", "amount": "10.00", "account_id": str(asked["account_id"])}
    clients = PayoutAccount.objects.filter(owner=client)[0]
    refund, owed = row("refund_account", "refund_id"), row("refund_sent", "refund_id")
    on_its_way = {"refund_id": _sent_back(client, freelancer).pk}
    return {
        ("GET /api/balance/{year}/{month}", ""): Asked(world.special["orders:balance_month"]),
        ("POST /api/payouts", ""): Asked(body=wanted),
        **{(f"POST /api/payouts/{{payout_id}}/{name}", ""): Asked(row(page, "payout_id")) for name, page in PAYOUTS.items()},
        ("GET /api/payouts/{payout_id}", ""): Asked(row("sent_proof", "payout_id")),
        ("GET /api/payouts/{payout_id}/proof", ""): Asked(row("sent_proof", "payout_id")),
        ("GET /api/refunds/{refund_id}", ""): Asked(refund),
        ("GET /api/refunds/{refund_id}/proof", ""): Asked(on_its_way),
        ("GET /api/refunds/{refund_id}/account", ""): Asked(owed),
        ("PATCH /api/refunds/{refund_id}/account", ""): Asked(refund, {"account_id": str(clients.pk)}),
        ("POST /api/refunds/{refund_id}/sent", ""): Asked(owed, {"reference": "BACK-1"}),
        ("POST /api/refunds/{refund_id}/confirm", ""): Asked(on_its_way),
    }


def _sent_back(client: User, freelancer: User) -> Disbursement:
    """What the freelancer of a DIRECT order has declined and refunded."""
    order = order_in(Status.PAYMENT_CONFIRMED, custody=Custody.DIRECT, client=client, freelancer=freelancer)
    row = lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version).disbursements.get()
    return payouts.refund_sent(actor=freelancer, row_id=row.pk, seen=row.version, reference="BACK-2", proof=a_receipt("teal"))


def _of_conversations(world: World, client: User, freelancer: User) -> Asks:
    message = Message.objects.get(pk=world.values["message_id"])
    upload = {"file": lambda: SimpleUploadedFile("sketch.zip", b"a sketch")}
    shown = messaging.hand_in(actor=freelancer, upload=picture())
    sent = {"actor": freelancer, "receiver_id": client.pk, "content": "A sketch.", "client_id": "access-api-0001"}
    messaging.send_message(**sent, file_ids=[shown.pk])
    to, of = {"user_id": freelancer.pk}, {"user_id": client.pk}
    return {
        ("POST /api/messages", ""): Asked(body={"receiver_id": str(freelancer.pk), "content": "Good morning."}),
        ("GET /api/messages", ""): Asked(query="q=sketch"),
        ("GET /api/messages/{user_id}", ""): Asked(to),
        ("PATCH /api/conversations/{user_id}/messages/{message_id}", ""): Asked(of, {"content": "A better sketch."}),
        ("DELETE /api/conversations/{user_id}/messages/{message_id}", ""): Asked(of),
        ("POST /api/conversations/{user_id}/messages/{message_id}/report", ""): Asked(to, {"reason": "spam"}),
        ("GET /api/conversations/{user_id}", ""): Asked(to),
        ("PATCH /api/conversations/{user_id}", ""): Asked(to, {"muted": True}),
        ("POST /api/conversations/{user_id}/read", ""): Asked(to, {"seq": message.seq}),
        ("POST /api/conversations/{user_id}/delivered", ""): Asked(to, {"seq": message.seq}),
        ("PUT /api/blocks/{user_id}", ""): Asked(to),
        ("DELETE /api/blocks/{user_id}", ""): Asked(to),
        ("POST /api/attachments", ""): Asked(files=upload),
        ("GET /api/attachments/{file_id}", ""): Asked({"file_id": world.values["attachment_id"]}),
        ("GET /api/attachments/{file_id}/preview", ""): Asked({"file_id": shown.pk}),
        ("POST /api/notifications/read", ""): Asked(body={}),
    }


def _of_people(client: User, freelancer: User) -> Asks:
    known = {"email": client.email, "password": "a long password"}
    zoe = {"email": f"zoe-{uuid.uuid4().hex}@example.com", "password": "plum orbit lantern", "full_name": "Zoe Quist"}
    register(**zoe)
    proof = {"email": zoe["email"], "password": zoe["password"], "code": code_in(mail.outbox[-1])}
    tokens = sign_in(**known)
    return {
        ("POST /api/auth/register", ""): Asked(body=zoe | {"email": "zora@example.com"}),
        ("POST /api/auth/verify", ""): Asked(body=proof),
        ("POST /api/auth/verify/resend", ""): Asked(body={"email": zoe["email"]}),
        ("POST /api/auth/token", ""): Asked(body=known),
        ("POST /api/auth/refresh", ""): Asked(body={"refresh": tokens.refresh}),
        ("POST /api/auth/revoke", ""): Asked(body={"refresh": tokens.refresh}),
        ("POST /api/auth/keys", ""): Asked(body={"name": "Till", "scopes": ["read"], "password": known["password"]}),
        ("PATCH /api/me", ""): Asked(body={"bio": "I draw maps."}),
        ("POST /api/me/picture", ""): Asked(files={"picture": lambda: picture(size=(600, 600))}),
        ("GET /api/users/{user_id}", ""): Asked({"user_id": freelancer.pk}),
        ("GET /api/users/{user_id}/reviews", ""): Asked({"user_id": freelancer.pk}),
    }
