"""What the services of gigs promise, and that a refusal leaves nothing behind."""

from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from gigs.exceptions import GigArchived, GigChanged, GigError, GigPausedByStaff, PictureCount, QuestionsRefused
from gigs.models import Category, Gig, GigImage, GigStats, Requirement
from gigs.selectors import list_categories
from gigs.services import (
    add_images,
    archive_gig,
    create_gig,
    move_image,
    pause_gig,
    record_completed_order,
    record_rating,
    release_gig,
    remove_image,
    restore_gig,
    resume_gig,
    update_gig,
)
from gigs.tests.factories import CategoryFactory, GigFactory, checked_picture, stored_files
from marketplace.exceptions import DomainError

pytestmark = pytest.mark.django_db


def terms(**changes: Any) -> dict[str, Any]:
    return {
        "title": "I will draw your logo",
        "category": Category.objects.get(slug="logos-and-brands"),
        "description": "Three drafts.",
        "price": Decimal("120.00"),
        "currency": "EUR",
        "delivery_days": 5,
        "revisions_included": 2,
        "auto_approve_days": 7,
        "requirements": [Requirement(question="Name?")],
    } | changes


@pytest.fixture
def gig(freelancer: User) -> Gig:
    return create_gig(actor=freelancer, pictures=[checked_picture(), checked_picture()], **terms())


def test_a_new_gig_is_active_and_has_counters_questions_and_three_files_a_picture(gig: Gig, freelancer: User):
    assert (gig.freelancer, gig.is_active, gig.archived_at) == (freelancer, True, None)
    assert gig.stats.rating is None
    assert [row.question for row in gig.requirements.all()] == ["Name?"]
    assert [image.position for image in gig.images.all()] == [0, 1]
    assert stored_files() == sorted(path for image in gig.images.all() for path in image.paths)
    assert len(stored_files()) == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"price": Decimal(0)},
        {"price": Decimal(-1)},
        {"price": Decimal("NaN")},
        {"price": Decimal("Infinity")},
        {"price": Decimal("1234567890123")},
        {"price": Decimal("1.234")},
        {"price": Decimal("1.5"), "currency": "JPY"},
        {"currency": "XXX"},
        {"currency": ""},
        {"title": ""},
        {"title": "x" * 121},
        {"description": "x" * 10_001},
        {"delivery_days": 0},
        {"delivery_days": 366},
        {"revisions_included": -1},
        {"revisions_included": 21},
        {"auto_approve_days": 2},
        {"auto_approve_days": 15},
        {"requirements": [Requirement(question=str(n)) for n in range(11)]},
        {"requirements": [Requirement(question="Which?", kind="choice", choices=["one", "one"])]},
    ],
)
def test_refused_terms_leave_no_row_and_no_file(freelancer: User, changes: dict[str, Any]):
    with pytest.raises(DomainError):
        create_gig(actor=freelancer, pictures=[checked_picture()], **terms(**changes))
    assert (Gig.objects.count(), GigImage.objects.count(), stored_files()) == (0, 0, [])


def test_a_category_that_holds_others_takes_no_gigs(freelancer: User):
    with pytest.raises(GigError) as refusal:
        create_gig(actor=freelancer, pictures=[checked_picture()], **terms(category=Category.objects.get(slug="design")))
    assert refusal.value.code == "category"


def test_a_gig_has_at_most_six_pictures(freelancer: User):
    with pytest.raises(PictureCount):
        create_gig(actor=freelancer, pictures=[checked_picture()] * 7, **terms())
    assert (Gig.objects.count(), stored_files()) == (0, [])


LEAST = {
    "title": "I will draw your logo",
    "description": "Three drafts.",
    "price": Decimal("120.00"),
    "currency": "EUR",
    "delivery_days": 5,
}


def test_title_description_price_and_days_make_a_gig(freelancer: User):
    gig = create_gig(actor=freelancer, **LEAST)
    fresh = Gig.objects.get()
    assert (fresh, fresh.state, fresh.cover) == (gig, "active", None)
    assert (fresh.revisions_included, fresh.auto_approve_days) == (1, 7)
    assert (fresh.requirements.count(), fresh.stats.rating_count) == (0, 0)


def test_without_a_category_it_stands_under_other_which_is_made_once_and_comes_last(freelancer: User):
    before = Category.objects.count()
    one, two = create_gig(actor=freelancer, **LEAST), create_gig(actor=freelancer, **LEAST)
    assert one.category == two.category
    assert (one.category.name, one.category.slug, one.category.parent) == ("Other", "other", None)
    assert list_categories()[-1] == one.category
    assert Category.objects.count() == before + 1


def test_other_as_somebody_renamed_it_is_taken(freelancer: User):
    kept = CategoryFactory(slug="other", name="All the rest", parent=None, position=3)
    assert create_gig(actor=freelancer, **LEAST).category == kept
    assert Category.objects.get(slug="other").name == "All the rest"


def test_other_that_holds_categories_takes_no_gigs(freelancer: User):
    CategoryFactory(parent=CategoryFactory(slug="other", name="Other", parent=None))
    with pytest.raises(GigError) as refusal:
        create_gig(actor=freelancer, pictures=[checked_picture()], **LEAST)
    assert (refusal.value.code, Gig.objects.count(), stored_files()) == ("category", 0, [])


def test_a_refused_gig_makes_no_category(freelancer: User):
    with pytest.raises(DomainError):
        create_gig(actor=freelancer, **LEAST | {"price": Decimal(0)})
    assert not Category.objects.filter(slug="other").exists()


def test_a_gig_without_pictures_gets_its_first_later(freelancer: User):
    gig = create_gig(actor=freelancer, **LEAST)
    (row,) = add_images(actor=freelancer, gig=gig, pictures=[checked_picture()])
    assert (row.position, Gig.objects.get().cover, len(stored_files())) == (0, row, 3)


def test_files_of_a_failed_save_are_deleted(freelancer: User):
    broken = terms(requirements=[Requirement(question="Name?", kind="neither")])
    with pytest.raises(Exception, match="gigs_requirement_kind"):
        create_gig(actor=freelancer, pictures=[checked_picture()], **broken)
    assert (Gig.objects.count(), GigStats.objects.count(), stored_files()) == (0, 0, [])


def test_an_update_replaces_the_promise(gig: Gig, freelancer: User):
    questions = [Requirement(question="Style?", kind="choice", choices=["calm", "loud"]), Requirement(question="Name?")]
    update_gig(actor=freelancer, gig=gig, **terms(title="New", price=Decimal("99.50"), requirements=questions))
    fresh = Gig.objects.get()
    assert (fresh.title, fresh.price) == ("New", Decimal("99.50"))
    assert [(row.position, row.question, row.choices) for row in fresh.requirements.all()] == [
        (0, "Style?", ["calm", "loud"]),
        (1, "Name?", []),
    ]


NEW_TERMS = {
    "title": "New",
    "description": "Four drafts.",
    "price": Decimal("99.50"),
    "delivery_days": 6,
    "revisions_included": 0,
    "auto_approve_days": 14,
}


@pytest.mark.parametrize("name", NEW_TERMS)
def test_only_what_is_named_changes(gig: Gig, freelancer: User, name: str):
    names = [field.attname for field in Gig._meta.concrete_fields if field.name != "updated_at"]
    before, question = Gig.objects.values(*names).get(), gig.requirements.get().pk
    update_gig(actor=freelancer, gig=gig, **{name: NEW_TERMS[name]})
    assert Gig.objects.values(*names).get() == before | {name: NEW_TERMS[name]}
    assert gig.requirements.get().pk == question


def test_category_and_currency_change_alone(gig: Gig, freelancer: User):
    elsewhere = Category.objects.get(slug="illustration")
    update_gig(actor=freelancer, gig=gig, category=elsewhere)
    update_gig(actor=freelancer, gig=gig, currency="USD")
    fresh = Gig.objects.get()
    assert (fresh.category, fresh.currency, fresh.price) == (elsewhere, "USD", Decimal(120))


def test_questions_change_alone_and_may_all_go(gig: Gig, freelancer: User):
    update_gig(actor=freelancer, gig=gig, requirements=[Requirement(question="Style?")])
    assert [row.question for row in gig.requirements.all()] == ["Style?"]
    update_gig(actor=freelancer, gig=gig, requirements=[])
    assert (gig.requirements.count(), Gig.objects.get().title) == (0, "I will draw your logo")


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "JPY"},
        {"price": Decimal(0)},
        {"price": Decimal("1.234")},
        {"title": ""},
        {"description": "x" * 10_001},
        {"delivery_days": 0},
    ],
)
def test_a_change_must_fit_what_stands(freelancer: User, change: dict[str, Any]):
    gig = create_gig(actor=freelancer, **terms(price=Decimal("120.50")))
    before = Gig.objects.values().get()
    with pytest.raises(DomainError):
        update_gig(actor=freelancer, gig=gig, **change)
    assert Gig.objects.values().get() == before


def test_what_is_not_named_is_not_judged(gig: Gig, freelancer: User):
    """Rules may have become stricter since, or its category may hold others by now."""
    CategoryFactory(parent=gig.category)
    update_gig(actor=freelancer, gig=gig, title="New")
    assert Gig.objects.get().title == "New"


def test_unchanged_questions_keep_their_rows(gig: Gig, freelancer: User):
    before = gig.requirements.get().pk
    update_gig(actor=freelancer, gig=gig, **terms(title="New"))
    assert gig.requirements.get().pk == before


def test_the_second_of_two_tabs_is_told(gig: Gig, freelancer: User):
    seen_at = gig.updated_at
    update_gig(actor=freelancer, gig=gig, seen_at=seen_at, **terms(title="First"))
    with pytest.raises(GigChanged):
        update_gig(actor=freelancer, gig=gig, seen_at=seen_at, **terms(title="Second"))
    assert Gig.objects.get().title == "First"


def test_a_refused_update_changes_nothing(gig: Gig, freelancer: User):
    with pytest.raises(QuestionsRefused):
        bad = Requirement(question="Which?", kind="choice", choices=[])
        update_gig(actor=freelancer, gig=gig, **terms(title="New", requirements=[bad]))
    assert (Gig.objects.get().title, gig.requirements.get().question) == ("I will draw your logo", "Name?")


def test_pause_and_resume_repeat_quietly(gig: Gig, freelancer: User):
    for service, expected in ((pause_gig, "paused"), (pause_gig, "paused"), (resume_gig, "active"), (resume_gig, "active")):
        service(actor=freelancer, gig=gig)
        assert Gig.objects.get().state == expected


def test_an_archived_gig_stays_put_until_it_is_restored(gig: Gig, freelancer: User):
    archive_gig(actor=freelancer, gig=gig)
    archived_at = Gig.objects.get().archived_at
    archive_gig(actor=freelancer, gig=gig)
    assert Gig.objects.get().archived_at == archived_at
    for service, options in (
        (resume_gig, {}),
        (update_gig, terms(title="New")),
        (add_images, {"pictures": [checked_picture()]}),
        (move_image, {"image_id": gig.images.last().pk, "place": 0}),
        (remove_image, {"image_id": gig.images.last().pk}),
    ):
        with pytest.raises(GigArchived):
            service(actor=freelancer, gig=gig, **options)
    assert (Gig.objects.get().state, gig.images.count(), len(stored_files())) == ("archived", 2, 6)
    restore_gig(actor=freelancer, gig=gig)
    assert Gig.objects.get().state == "paused"


def test_a_stranger_may_do_nothing(gig: Gig, stranger: User):
    for service, options in (
        (pause_gig, {}),
        (resume_gig, {}),
        (archive_gig, {}),
        (restore_gig, {}),
        (update_gig, terms(title="Mine now")),
        (add_images, {"pictures": [checked_picture()]}),
        (move_image, {"image_id": gig.images.last().pk, "place": 0}),
        (remove_image, {"image_id": gig.images.last().pk}),
    ):
        with pytest.raises(GigError) as refusal:
            service(actor=stranger, gig=gig, **options)
        assert refusal.value.code == "not_yours"
    fresh = Gig.objects.get()
    assert (fresh.state, fresh.title, fresh.updated_at, len(stored_files())) == ("active", gig.title, gig.updated_at, 6)


def test_pictures_are_added_at_the_end_up_to_six(gig: Gig, freelancer: User):
    add_images(actor=freelancer, gig=gig, pictures=[checked_picture()] * 4)
    assert [image.position for image in gig.images.all()] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(PictureCount):
        add_images(actor=freelancer, gig=gig, pictures=[checked_picture()])
    assert (gig.images.count(), len(stored_files())) == (6, 18)


def test_a_removed_picture_takes_its_files_along_after_the_commit(
    gig: Gig, freelancer: User, django_capture_on_commit_callbacks: Any
):
    first, second = gig.images.all()
    with django_capture_on_commit_callbacks(execute=True):
        remove_image(actor=freelancer, gig=gig, image_id=first.pk)
        assert len(stored_files()) == 6
    assert stored_files() == sorted(second.paths)
    assert [(image.pk, image.position) for image in gig.images.all()] == [(second.pk, 0)]
    remove_image(actor=freelancer, gig=gig, image_id=first.pk)
    with pytest.raises(PictureCount):
        remove_image(actor=freelancer, gig=gig, image_id=second.pk)
    assert stored_files() == sorted(second.paths)


def test_pictures_move_and_the_first_is_the_cover(gig: Gig, freelancer: User):
    add_images(actor=freelancer, gig=gig, pictures=[checked_picture()])
    one, two, three = gig.images.all()
    move_image(actor=freelancer, gig=gig, image_id=three.pk, place=0)
    assert list(gig.images.all()) == [three, one, two]
    assert Gig.objects.get().cover == three
    move_image(actor=freelancer, gig=gig, image_id=three.pk, place=99)
    assert list(gig.images.all()) == [one, two, three]
    move_image(actor=freelancer, gig=gig, image_id=0, place=0)
    assert [(image, image.position) for image in gig.images.all()] == [(one, 0), (two, 1), (three, 2)]


def test_another_gigs_picture_cannot_be_removed_or_moved(gig: Gig, stranger: User):
    other = create_gig(actor=stranger, pictures=[checked_picture(), checked_picture()], **terms())
    remove_image(actor=stranger, gig=other, image_id=gig.images.last().pk)
    move_image(actor=stranger, gig=other, image_id=gig.images.last().pk, place=0)
    assert (gig.images.count(), other.images.count(), len(stored_files())) == (2, 2, 12)


def test_small_originals_are_not_blown_up(freelancer: User):
    gig = create_gig(actor=freelancer, pictures=[checked_picture(size=(500, 250))], **terms())
    image = gig.images.get()
    assert (image.width, image.height) == (500, 250)
    small, large = default_storage.url(image.path(400)), default_storage.url(image.path(800))
    assert image.srcset == f"{small} 400w, {large} 500w"


def test_counters_add_up(gig: Gig):
    record_completed_order(gig_id=gig.pk)
    record_rating(gig=gig, rating=4)
    record_rating(gig=gig, rating=5)
    stats = GigStats.objects.get(gig=gig)
    assert (stats.orders_completed, stats.rating_count, stats.rating) == (1, 2, 4.5)


@pytest.fixture
def shelf_keeper(moderator: User) -> User:
    """Staff who may change gigs."""
    moderator.user_permissions.add(Permission.objects.get(codename="change_gig"))
    return User.objects.get(pk=moderator.pk)


def state() -> tuple[str, bool]:
    fresh = Gig.objects.get()
    return fresh.state, fresh.paused_by_staff_at is not None


def test_only_staff_who_may_change_gigs_pause_and_release_those_of_others(gig: Gig, moderator: User, freelancer: User):
    for service in (pause_gig, release_gig):
        with pytest.raises(GigError):
            service(actor=moderator, gig=gig)
    assert state() == ("active", False)


@pytest.mark.parametrize("paused_before", [False, True])
def test_what_a_moderator_paused_its_owner_cannot_resume(gig: Gig, shelf_keeper: User, freelancer: User, paused_before: bool):
    if paused_before:
        pause_gig(actor=freelancer, gig=gig)
    pause_gig(actor=shelf_keeper, gig=gig)
    since = Gig.objects.get().paused_by_staff_at
    pause_gig(actor=freelancer, gig=gig)
    pause_gig(actor=shelf_keeper, gig=gig)
    with pytest.raises(GigPausedByStaff) as refusal:
        resume_gig(actor=freelancer, gig=gig)
    assert refusal.value.message == f"A moderator has paused this gig. Write to {settings.SUPPORT_EMAIL} to have it put back."
    assert (state(), Gig.objects.get().paused_by_staff_at) == (("paused", True), since)
    release_gig(actor=shelf_keeper, gig=gig)
    assert state() == ("active", False)
    pause_gig(actor=freelancer, gig=gig)
    resume_gig(actor=freelancer, gig=gig)
    assert state() == ("active", False)


def test_archiving_is_no_way_around_a_moderators_pause(gig: Gig, shelf_keeper: User, freelancer: User):
    pause_gig(actor=shelf_keeper, gig=gig)
    archive_gig(actor=freelancer, gig=gig)
    with pytest.raises(GigPausedByStaff):
        restore_gig(actor=freelancer, gig=gig)
    assert state() == ("archived", True)
    release_gig(actor=shelf_keeper, gig=gig)
    assert state() == ("archived", False)
    restore_gig(actor=freelancer, gig=gig)
    assert state() == ("paused", False)


def test_staff_do_not_decide_about_gigs_of_their_own(gig: Gig, shelf_keeper: User, freelancer: User):
    freelancer.user_permissions.add(Permission.objects.get(codename="change_gig"))
    owner = User.objects.get(pk=freelancer.pk)
    pause_gig(actor=owner, gig=gig)
    assert state() == ("paused", False)
    pause_gig(actor=shelf_keeper, gig=gig)
    for service in (resume_gig, release_gig):
        with pytest.raises(GigError):
            service(actor=owner, gig=gig)
    assert state() == ("paused", True)


def test_releasing_what_its_owner_paused_changes_nothing(gig: Gig, shelf_keeper: User, freelancer: User):
    pause_gig(actor=freelancer, gig=gig)
    release_gig(actor=shelf_keeper, gig=gig)
    assert state() == ("paused", False)


def test_the_database_knows_that_a_moderators_pause_is_one(gig: Gig):
    with pytest.raises(IntegrityError), transaction.atomic():
        Gig.objects.update(paused_by_staff_at=timezone.now())
    assert state() == ("active", False)


def test_the_factory_makes_what_it_says():
    gig = GigFactory()
    assert (gig.price, gig.currency, gig.state, gig.stats.rating_count) == (Decimal("120.00"), "EUR", "active", 0)
