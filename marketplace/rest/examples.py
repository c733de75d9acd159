"""What a program might send, by operation: the description shows it, and a test holds it against the schema."""

from typing import Any

ID, OTHER_ID = "0b5e9c1e-6f6d-4c44-8a0e-1f2a3b4c5d6e", "7c1d2e3f-4a5b-4c6d-9e8f-0a1b2c3d4e5f"

EXAMPLES: dict[str, dict[str, Any]] = {
    "auth_register_person": {"email": "amara@example.com", "password": "a long password", "full_name": "Amara Okafor"},
    "auth_verify_address": {"email": "amara@example.com", "code": "V3KL-9T7M", "password": "a long password"},
    "auth_create_tokens": {"email": "amara@example.com", "password": "a long password"},
    "auth_refresh_tokens": {"refresh": "Zt3…"},
    "auth_create_key": {"name": "My bot", "scopes": ["read", "messages"], "password": "a long password"},
    "people_change_me": {"bio": "I draw logos.", "time_zone": "Europe/Oslo"},
    "gigs_create": {
        "title": "I will draw your logo",
        "description": "Three drafts, then **one** finished logo.",
        "price": "120.00",
        "currency": "EUR",
        "delivery_days": 5,
    },
    "gigs_change": {"price": "140.00"},
    "orders_place": {"gig_id": ID, "payment_method_id": OTHER_ID},
    "orders_submit_payment": {
        "proof_reference": "TRX-2026-1121",
        "payer_name": "Amara Okafor",
        "amount": "120.00",
        "paid_at": "2026-11-21T18:00:00Z",
    },
    "orders_confirm_payment": {"amount": "120.00"},
    "orders_reject_payment": {"reason": "not_found", "note": "Nothing has arrived under this reference."},
    "orders_submit_work": {"note": "The logo in three sizes.", "links": ["https://files.example.com/logo"], "file_ids": [ID]},
    "orders_revision": {"items": ["Make the blue darker."]},
    "orders_extend": {"days": 3, "reason": "The printer needs until Friday."},
    "orders_propose_cancellation": {
        "freelancer_amount": "30.00",
        "reason": "We no longer need it; the drafts are yours to be paid.",
    },
    "disputes_open": {
        "reason": "not_as_agreed",
        "statement": "Three drafts were promised and one came, without the sizes that the gig names.",
        "wanted_amount": "40.00",
    },
    "disputes_answer": {"statement": "All three drafts were handed in on Monday, as the order shows.", "wanted_amount": "120.00"},
    "disputes_offer_settlement": {"freelancer_amount": "80.00"},
    "money_ask_for_payout": {"currency": "EUR", "amount": "100.00", "account_id": ID},
    "messages_send": {"receiver_id": ID, "content": "Hello, do you have a minute?"},
    "reviews_write": {"rating": 5, "comment": "Just what we needed, and in time."},
}


def add_examples(paths: dict[str, Any]) -> None:
    """Write them into the description's paths."""
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        if operation["operationId"] in EXAMPLES:
            operation["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[operation["operationId"]]
