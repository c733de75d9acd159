"""The demo's world: its people, accounts and gigs, made by the same services as everybody's."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from django.core.files.storage import Storage, default_storage
from django.db.models import Q

from accounts.models import User
from accounts.services import enrol, make_key, set_avatar, sign_in, update_profile
from gigs.models import Category, Gig, Requirement
from gigs.services import create_gig, pause_gig
from marketplace.demo.clock import Clock
from marketplace.demo.pictures import portrait
from marketplace.demo.tables import dice
from marketplace.uploads import CheckedPicture
from orders.models import Order, PaymentMethod, PayoutAccount
from orders.services.methods import save_payment_method, save_platform_method
from orders.services.payout_accounts import save_payout_account

LOGINS = ("client@example.com", "freelancer@example.com", "admin@example.com", "moderator@example.com")
PASSWORD = "handsel-demo-1"  # noqa: S105 (the demo's, printed for everyone)


@dataclass
class World:
    """What stands so far, by the keys of the tables. `undo` deletes the files again if the whole does not come about."""

    seed: int
    today: datetime
    clock: Clock
    undo: ExitStack
    password_hash: str = field(default_factory=lambda: make_password(PASSWORD))
    people: dict[str, User] = field(default_factory=dict)
    methods: dict[str, PaymentMethod] = field(default_factory=dict)
    gigs: dict[str, Gig] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # of gigs
    answers: dict[str, dict[int, str]] = field(default_factory=dict)
    accounts: dict[tuple[str, str], PayoutAccount] = field(default_factory=dict)  # by person and currency
    banked: dict[str, list[tuple[Order, str]]] = field(default_factory=dict)  # orders and payers, by what the bank says of them

    def keep(self, storage: Storage, *names: str | None) -> None:
        for name in filter(None, names):
            self.undo.callback(storage.delete, name)

    def moderators(self) -> list[User]:
        return [self.people["moderator"], self.people["admin"]]


def add_person(world: World, row: dict[str, Any]) -> None:
    """A person with a verified address and the demo's password."""
    staff = row["role"] in ("moderator", "administrator")
    user = User(email=row["email"], full_name=row["name"], time_zone=row["zone"], password=world.password_hash)
    user.is_staff, user.is_superuser = staff, row["role"] == "administrator"
    user = enrol(user=user)
    user = update_profile(actor=user, full_name=row["name"], handle=row["handle"], bio=row["bio"].strip(), time_zone=row["zone"])
    address = EmailAddress.objects.add_email(None, user, user.email)
    address.set_verified()
    address.set_as_primary()
    if row["role"] == "moderator":
        desks = Q(content_type__app_label="orders") | Q(codename="moderate_messages")
        user.user_permissions.set(Permission.objects.filter(desks))
    if row.get("picture"):
        set_avatar(actor=user, picture=portrait(row["key"], seed=world.seed))
        user.refresh_from_db()
        world.keep(default_storage, user.avatar.name)
    world.people[row["key"]] = user


def add_method(world: World, row: dict[str, Any]) -> None:
    method = PaymentMethod(**{name: value for name, value in row.items() if name not in ("key", "owner")})
    method.instructions = method.instructions.strip()
    if "owner" in row:
        world.methods[row["key"]] = save_payment_method(actor=world.people[row["owner"]], method=method)
    else:
        method.account_holder = f"{settings.SITE_NAME} Escrow"
        world.methods[row["key"]] = save_platform_method(actor=world.people["admin"], method=method)


def add_account(world: World, row: dict[str, Any]) -> None:
    person = world.people[row["person"]]
    world.accounts[row["person"], row["currency"]] = save_payout_account(
        actor=person,
        kind=row["kind"],
        currency=row["currency"],
        holder=row.get("holder", person.full_name),
        account=row["account"],
        routing=row.get("routing", ""),
    )


def add_programs(world: World) -> None:
    """What the settings pages of the client's programs have to show."""
    make_key(actor=world.people["clara"], name="Bookkeeping", scopes=["read"], password=None)
    sign_in(email=LOGINS[0], password=PASSWORD, user_agent="Handsel for iPhone 1.4", ip="203.0.113.7")


def add_gig(world: World, row: dict[str, Any], pictures: list[CheckedPicture]) -> None:
    requirements, answers = _questions(row)
    gig = create_gig(
        actor=world.people[row["owner"]],
        pictures=pictures,
        requirements=requirements,
        title=row["title"],
        category=Category.objects.get(slug=row["category"]),
        description=row["description"].strip(),
        price=Decimal(row["price"]),
        currency=row["currency"],
        delivery_days=row["days"],
        revisions_included=row["revisions"],
        auto_approve_days=dice(world.seed, "check", row["key"]).choice([3, 5, 7, 7, 10]),
    )
    for image in gig.images.all():
        world.keep(default_storage, *image.paths)
    world.gigs[row["key"]], world.owners[row["key"]] = gig, row["owner"]
    world.answers[row["key"]] = {asked.pk: answer for asked, answer in zip(gig.requirements.all(), answers, strict=True)}


def rest_gig(world: World, row: dict[str, Any]) -> None:
    pause_gig(actor=world.people[row["owner"]], gig=world.gigs[row["key"]])


def _questions(row: dict[str, Any]) -> tuple[list[Requirement], list[str]]:
    asked, answers = [], []
    for question, answer in row.get("questions", []):
        asked.append(Requirement(question=question.removeprefix("?"), is_required=not question.startswith("?")))
        answers.append(answer)
    for question, choices in row.get("choices", []):
        asked.append(Requirement(question=question, kind=Requirement.Kind.CHOICE, choices=choices))
        answers.append(choices[0])
    return asked, answers
