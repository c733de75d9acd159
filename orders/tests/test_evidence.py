"""Evidence as a service: how much, by whom, until when; and files that stay only with their row."""

from pathlib import Path

import pytest
from django.conf import settings as site

from accounts.models import User
from orders.exceptions import ActionNotAllowed, DisputeRefused
from orders.models import Dispute, Evidence, Order
from orders.services import disputes
from orders.services.evidence import add_evidence
from orders.states import Status
from orders.tests.disputing import disputed
from orders.tests.factories import a_file, order_in


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return disputed(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), buyer)


@pytest.fixture
def case(order: Order) -> Dispute:
    return order.disputes.get()


def kept() -> set[Path]:
    folder = Path(site.STORAGES["private"]["OPTIONS"]["location"], "evidence")
    return set(folder.glob("*")) if folder.is_dir() else set()


def add(by: User, case: Dispute, **changes: object) -> Evidence:
    return add_evidence(
        actor=by, dispute_id=case.pk, **{"note": "Our chat.", "audience": "all", "file": a_file("chat.txt"), **changes}
    )


def test_a_file_is_kept_byte_for_byte_with_its_sum(case: Dispute, buyer: User):
    file = a_file("../../chat log.txt", b"three colours")
    row = add(buyer, case, file=file)
    assert Path(row.file.path).read_bytes() == b"three colours"
    assert (row.name, row.size, row.sha256) == ("chat_log.txt", 13, file.sha256)
    assert row.file.name.startswith("evidence/") and "chat" not in row.file.name


def test_a_note_alone_is_evidence_too(case: Dispute, freelancer: User):
    row = add(freelancer, case, file=None)
    assert (row.author, row.sha256, bool(row.file)) == (freelancer, "", False)


def test_a_double_click_adds_it_once(case: Dispute, buyer: User):
    add(buyer, case)
    before = kept()
    add(buyer, case)
    assert Evidence.objects.count() == 1 and kept() == before


def test_ten_pieces_a_person(case: Dispute, buyer: User, freelancer: User):
    for n in range(10):
        add(buyer, case, note=f"Piece {n}.")
    before = kept()
    with pytest.raises(DisputeRefused):
        add(buyer, case, note="Piece 11.")
    assert Evidence.objects.count() == 10 and kept() == before
    assert add(freelancer, case).author == freelancer


def test_after_the_end_nothing_is_added(order: Order, case: Dispute, buyer: User):
    disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    before = kept()
    with pytest.raises(DisputeRefused):
        add(buyer, case)
    assert not Evidence.objects.exists() and kept() == before


@pytest.mark.parametrize("wrong", [{"note": "  "}, {"audience": "everyone"}])
def test_words_and_audience_are_needed(case: Dispute, buyer: User, wrong: dict[str, str]):
    with pytest.raises(DisputeRefused):
        add(buyer, case, **wrong)
    assert not Evidence.objects.exists()


def test_strangers_add_nothing_and_moderators_do(case: Dispute, stranger: User, moderator: User):
    with pytest.raises(ActionNotAllowed):
        add(stranger, case)
    assert not Evidence.objects.exists()
    assert add(moderator, case, audience="staff").author == moderator
