"""One of everything that an address can name, all of it between the cast's client and freelancer."""

from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.services import make_key, sign_in
from accounts.tests.factories import UserFactory
from gigs.models import Category
from gigs.tests.factories import GigImageFactory
from marketplace.tests.world_money import entries_due, payouts_due
from marketplace.tests.world_orders import cases_due, steps_due
from messaging import services as messaging
from messaging.models import Block, MailOptOut, Notification, OutgoingMail
from messaging.selectors import unsubscribe_url_for
from messaging.services.webhooks import add_webhook
from orders.models import (
    BankStatement,
    Delivery,
    DeliveryFile,
    Disbursement,
    Dispute,
    LedgerAccount,
    LedgerTransfer,
    Order,
    OrderEvent,
    PaymentProof,
    PayoutBatch,
    RequirementAnswer,
    RevisionRequest,
)
from orders.selectors import gig_terms
from orders.states import Custody, PaymentStatus, Status
from orders.tests.factories import hand_in_proof, method_for, order_in, picture
from orders.tests.situations import order_as
from reviews.services import write_review


@dataclass
class World:
    people: dict[str, User | None]
    values: dict[str, Any]  # of the parameters in addresses
    special: dict[str, dict[str, Any]]  # the same for one address, by its name
    forms: dict[str, dict[str, Any]]  # what is posted to an address, by its name: all that the step needs; files by their maker


def build_world(buyer: User, freelancer: User, stranger: User, moderator: User) -> World:
    order = order_in(Status.REVISION_REQUESTED, client=buyer, freelancer=freelancer, verifier=moderator)
    paying = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, gig=order.gig)
    unpaid = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer, gig=order.gig)
    delivered = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, verifier=moderator)
    paid = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, verifier=moderator)
    completed = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, verifier=moderator)
    reviewed = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, verifier=moderator)
    write_review(actor=freelancer, order=reviewed, rating=5, comment="A good client.")
    review = write_review(actor=buyer, order=reviewed, rating=4, comment="Good work.")
    proof = PaymentProof.objects.get(order=paying)
    image = GigImageFactory(gig=order.gig)
    default_storage.save("avatars/access.webp", ContentFile(b"RIFF"))
    notification = Notification.objects.filter(user=buyer).latest("pk")
    due = {}
    for area in (steps_due, cases_due, payouts_due, entries_due):
        due |= area(buyer, freelancer, moderator)
    attachment = messaging.hand_in(actor=freelancer, upload=SimpleUploadedFile("sketch.zip", b"a sketch"))
    words = {"actor": freelancer, "receiver_id": buyer.pk}
    message = messaging.send_message(**words, content="A sketch.", client_id="access-0001", file_ids=[attachment.pk])
    bad = messaging.send_message(**words, content="Pay me outside.", client_id="access-0002")
    report = messaging.report(actor=buyer, message_id=bad.pk, reason="off_platform")
    messaging.block(actor=buyer, user=UserFactory())
    program = sign_in(email=buyer.email, password="a long password", user_agent="Pocket/2.1").session
    key, _plain = make_key(actor=buyer, name="Bookkeeping", scopes=["read"], password=None)
    rows = [
        *(
            Group.objects.create(name="Moderators"),
            Category.objects.all()[0],
            order.gig,
            order,
            paying.payment_method,
            proof,
            review,
        ),
        *(notification, MailOptOut.objects.create(user=buyer, kind="orders.placed"), buyer, program, key),
        RequirementAnswer.objects.create(order=order, position=9, question="Which colour?", answer="Teal"),
        *(model.objects.filter(order=order)[0] for model in (OrderEvent, Delivery, RevisionRequest)),
        *OutgoingMail.objects.all()[:1],
        *(report, Block.objects.get()),
        *LogEntry.objects.all()[:1],
        *(model.objects.all()[0] for model in (Dispute, Disbursement, PayoutBatch, BankStatement, LedgerAccount, LedgerTransfer)),
    ]
    by_admin = {f"{row._meta.app_label}_{row._meta.model_name}": row.pk for row in rows}
    direct = method_for(order.gig, Custody.DIRECT)
    without_receipt = hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)
    by_freelancer = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, gig=order.gig, custody=Custody.DIRECT)
    steps = {
        "submit_payment": (
            unpaid,
            {
                "transaction_reference": "A1",
                "payer_name": "Amara",
                "amount": "120",
                "paid_at": "2026-01-01 10:00",
                "receipt": picture,
            },
        ),
        "attach_receipt": (without_receipt, {"receipt": picture}),
        "cancel": (unpaid, {"sure": "on"}),
        "confirm_payment": (by_freelancer, {"received_amount": "120", "sure": "on"}),
        "reject_payment": (by_freelancer, {"reason": "not_found", "note": "Not in my account."}),
        "start_work": (paid, {}),
        "submit_work": (order, {"note": "Here.", "links": "https://example.com/"}),
        "approve": (delivered, {"sure": "on"}),
        "request_revision": (delivered, {"items": "Make it rounder."}),
    }
    content_type = ContentType.objects.get_for_model(Order)
    part = order_as(
        *(Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED, Custody.PLATFORM),
        client=buyer,
        freelancer=freelancer,
        moderator=moderator,
    )
    return World(
        people={"anonymous": None, "stranger": stranger, "client": buyer, "freelancer": freelancer, "moderator": moderator},
        values={
            "gig_id": order.gig_id,
            "image_id": image.pk,
            "order_id": order.pk,
            "proof_id": proof.pk,
            "file_id": DeliveryFile.objects.filter(delivery__order=order)[0].pk,
            "method_id": direct.pk,
            "review_id": review.pk,
            "notification_id": notification.pk,
            "conversation_id": message.conversation_id,
            "message_id": message.pk,
            "attachment_id": attachment.pk,
            "report_id": report.pk,
            "webhook_id": add_webhook(actor=buyer, url="https://hooks.example.com/in", hears=["order"]).pk,
            "session_id": program.pk,
            "key_id": key.pk,
            "token": unsubscribe_url_for(buyer, "orders.placed").rstrip("/").rpartition("/")[2],
            "handle": freelancer.handle,
            "what": "reference",
            "path": "avatars/access.webp",
            "content_type_id": content_type.pk,
            "object_id": order.pk,
            "id": buyer.pk,
            "pk": 1,
            "app_label": "orders",
            "url": "nothing-here",
        },
        special={
            **{
                f"admin:{name}_{page}": {"object_id": pk}
                for name, pk in by_admin.items()
                for page in ("change", "delete", "history")
            },
            **{f"orders:{step}": {"order_id": of.pk} for step, (of, _form) in steps.items()},
            **{name: values for name, (values, _form) in due.items()},
            "orders:qr": {"order_id": unpaid.pk},
            "admin:orders_paymentproof_cancel": {"proof_id": part.proofs.get().pk},
            "reviews:write": {"order_id": completed.pk},
        },
        forms={
            **{f"orders:{step}": {"seen": of.version, **form} for step, (of, form) in steps.items()},
            **{name: form for name, (_values, form) in due.items()},
            "admin:orders_paymentproof_confirm": {
                "confirm-seen": paying.version,
                "confirm-received_amount": "120",
                "confirm-arrived": "exact",
            },
            "admin:orders_paymentproof_reject": {
                "reject-seen": paying.version,
                "reject-reason": "duplicate",
                "reject-note": "Seen.",
            },
            "admin:orders_paymentproof_cancel": {"part-seen": part.version, "part-note": "The rest never came."},
            "admin:messaging_messagereport_decide": {"decision": "upheld", "note": "This is against the rules of the site."},
            "orders:place": {
                "payment_method": paying.payment_method_id,
                "terms": gig_terms(order.gig),
                "placement_key": "0b8a2f9e-6c1d-4f0e-9a57-2d1c3b4a5e6f",
            },
            "reviews:write": {"rating": "5", "comment": "Splendid."},
            "reviews:reply": {"text": "Thank you."},
        },
    )
