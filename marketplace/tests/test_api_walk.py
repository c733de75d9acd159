"""The walk of docs/api.md, run as it stands there: in bash, with curl, against a live server, on a database without anybody."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.core import mail
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import AuthSession, User
from marketplace.rest import throttles
from messaging.models import Message
from orders.models import Order, PaymentMethod
from orders.selectors.reconciliation import reconcile
from orders.services.methods import save_payment_method, save_platform_method
from orders.states import Custody, PaymentStatus, Status
from reviews.models import Review

PAGE = settings.BASE_DIR / "docs/api.md"
PATIENCE = 120  # seconds, for the whole walk
AMARA, JOSE = "amara.okafor@example.com", "jose.niguez@example.com"
CODE = re.compile(r"^(?:[A-Z0-9]{4}-[A-Z0-9]{4}|\d{6})$", re.MULTILINE)


def blocks(kind: str) -> list[str]:
    walk = PAGE.read_text().partition("\n## A whole order with curl\n")[2]
    return re.findall(rf"^```{kind}\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL)


class Walk:
    """The script, running. It is answered what it asks its reader."""

    def __init__(self, folder: Path, api: str) -> None:
        (folder / "walk.sh").write_text("\n".join(blocks("sh")))
        self.log = folder / "walk.log"
        self.ends_at = time.monotonic() + PATIENCE
        known = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "no_proxy": "*", "LC_ALL": "C.UTF-8"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", "walk.sh"],  # noqa: S607
                cwd=folder,
                env={**known, "API": api, "MODERATOR_PASSWORD": "a long password"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def answer(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, look: Callable[[], Any]) -> Any:
        """What `look` finds, as soon as it finds something."""
        while not (found := look()):
            assert self.process.poll() is None, f"The walk ended too early:\n{self.log.read_text()}"
            assert time.monotonic() < self.ends_at, f"The walk stands still:\n{self.log.read_text()}"
            time.sleep(0.05)
        return found

    def finish(self) -> str:
        """All that it said."""
        code = self.process.wait(max(1, self.ends_at - time.monotonic()))
        assert code == 0, self.log.read_text()
        return self.log.read_text()


@pytest.fixture
def start(tmp_path: Path, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Walk]]:
    if not shutil.which("curl"):
        pytest.fail("No curl on the PATH: install it (Debian: apt install curl).")
    monkeypatch.setattr(throttles, "WINDOW", 3)  # seconds: as strict as ever, and over sooner
    walks: list[Walk] = []

    def begin() -> Walk:
        walks.append(Walk(tmp_path, f"{live_server.url}/api"))
        return walks[-1]

    yield begin
    for walk in walks:
        walk.process.kill()
        walk.process.communicate()


def code_for(email: str) -> str | None:
    """The code in the newest mail to this address."""
    letters = [CODE.search(str(letter.body)) for letter in reversed(mail.outbox) if letter.to == [email]]
    return next((code[0] for code in letters if code), None)


def code_of_app(secret: str) -> str:
    """The newest that is taken, so that it may wait a while until it is read."""
    *_older, newest = yield_hotp_counters_from_time()
    return str(format_hotp_value(hotp_value(secret, newest)))


def an_account(label: str, holder: str) -> PaymentMethod:
    """As its form gives it to the services."""
    number = "DE75512108001245126199"
    return PaymentMethod(kind="bank", currency="EUR", label=label, account_holder=holder, account_number=number)


def test_two_people_a_gig_and_an_order_in_each_custody(start: Callable[[], Walk], moderator: User, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    settings.MFA_TOTP_TOLERANCE = 1  # periods of 30 seconds, to either side
    save_platform_method(actor=moderator, method=an_account("Euro account", "Market"))
    secret = generate_totp_secret()
    TOTP.activate(moderator, secret)

    walk = start()
    for email in (AMARA, JOSE):
        walk.answer(walk.until(partial(code_for, email)))
    walk.until(lambda: AuthSession.objects.filter(user__email=JOSE).exists())
    walk.answer(code_of_app(secret))
    walk.until(lambda: Review.objects.filter(published_at__isnull=False).count() == 2)
    amara, jose = User.objects.get(email=AMARA), User.objects.get(email=JOSE)
    save_payment_method(actor=jose, method=an_account("My own account", "José Ñíguez"))
    walk.answer("")
    said = walk.finish()

    ended = Order.objects.order_by("created_at").values_list("client", "freelancer", "custody", "status", "payment_status")
    assert list(ended) == [
        (amara.pk, jose.pk, Custody.PLATFORM, Status.COMPLETED, PaymentStatus.RELEASED),
        (amara.pk, jose.pk, Custody.DIRECT, Status.COMPLETED, PaymentStatus.PAID_DIRECT),
    ]
    assert [order.deliveries.count() for order in Order.objects.order_by("created_at")] == [2, 1]
    reviews = Review.objects.filter(published_at__isnull=False).order_by("pk")
    assert [(review.author, review.recipient) for review in reviews] == [(amara, jose), (jose, amara)] * 2
    assert [message.content for message in Message.objects.order_by("seq")] == [
        "I have paid. Is it there?",
        "It is. I begin today.",
    ]
    assert [row for result in reconcile(now=timezone.now()) for row in result.rows] == []
    signed_in = AuthSession.objects.filter(revoked_at__isnull=True).values_list("user__email", flat=True)
    assert set(signed_in) == {AMARA, moderator.email}
    shown = [json.dumps(json.loads(block), ensure_ascii=False, separators=(",", ":")) for block in blocks("json")]
    assert shown and [answer for answer in shown if answer not in said] == []
    assert '"code":"not_signed_in"' in said
