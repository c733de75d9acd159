"""The pages of one's own gigs, and the gig page as others see it."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from gigs.models import Category, Gig, GigImage, Requirement
from gigs.services import archive_gig, pause_gig
from gigs.tests.factories import (
    GigFactory,
    GigImageFactory,
    RequirementFactory,
    picture_bytes,
    picture_upload,
    stored_files,
)
from marketplace.tests.test_uploads import bomb
from orders.tests.factories import PlatformMethodFactory

pytestmark = pytest.mark.django_db


def typed(**changes: Any) -> dict[str, Any]:
    return {
        "title": "I will draw your logo",
        "category": Category.objects.get(slug="logos-and-brands").pk,
        "description": "Three **drafts**.",
        "price": "1.234,56",
        "currency": "EUR",
        "delivery_days": "5",
        "revisions_included": "2",
        "auto_approve_days": "7",
        "questions-TOTAL_FORMS": "1",
        "questions-INITIAL_FORMS": "0",
        "questions-0-question": "",
        "questions-0-kind": "text",
        "questions-0-is_required": "on",
    } | changes


@pytest.fixture
def gig(freelancer: User) -> Gig:
    gig = GigFactory(freelancer=freelancer, title="Mine")
    GigImageFactory.create_batch(2, gig=gig)
    return gig


def snapshot() -> list[Any]:
    return [list(Gig.objects.order_by("pk").values()), list(GigImage.objects.order_by("pk").values())]


# Offering a gig


def test_a_gig_is_offered_without_script(sign_in: Any, freelancer: User):
    form = typed(
        pictures=[picture_upload(), picture_upload("two.png")],
        **{
            "questions-TOTAL_FORMS": "2",
            "questions-0-question": "Which style?",
            "questions-0-kind": "choice",
            "questions-0-choices": "calm\r\n loud \n\ncalm",
            "questions-0-ORDER": "2",
            "questions-1-question": "Name?",
            "questions-1-kind": "text",
            "questions-1-ORDER": "1",
        },
    )
    response = sign_in(freelancer).post("/gigs/new/", form, follow=True)
    gig = Gig.objects.get()
    assert response.redirect_chain == [(gig.get_absolute_url(), 302)]
    assert "Your gig is online for 1,234.56\u00a0EUR." in response.text
    assert (gig.freelancer, gig.price, gig.is_active) == (freelancer, Decimal("1234.56"), True)
    assert (gig.images.count(), len(stored_files())) == (2, 6)
    assert [(row.question, row.kind, row.choices, row.is_required) for row in gig.requirements.all()] == [
        ("Name?", "text", [], False),
        ("Which style?", "choice", ["calm", "loud"], True),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 10_000),
        ("title", "two\nlines"),
        ("title", "NUL\x00"),
        ("title", "turned \u202egnorw"),
        ("description", "bell\x07"),
        ("description", "x" * 10_001),
        ("category", ""),
        ("category", "999999"),
        ("category", "x"),
        ("price", "0"),
        ("price", "-5"),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", "1234567890123"),
        ("price", "1.2345"),
        ("price", "12,34.56,78"),
        ("price", "a lot"),
        ("currency", "XXX"),
        ("delivery_days", "0"),
        ("delivery_days", "366"),
        ("delivery_days", "9" * 5000),
        ("delivery_days", "1.5"),
        ("revisions_included", "21"),
        ("auto_approve_days", "2"),
        ("auto_approve_days", "15"),
    ],
)
def test_bad_input_is_refused_at_its_field_with_the_text_kept(sign_in: Any, freelancer: User, field: str, value: str):
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload()], **{field: value}))
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert response.context["form"][field].value() == value
    assert "Three **drafts**." in response.text or field == "description"
    assert (Gig.objects.count(), stored_files()) == (0, [])


def test_a_top_category_is_no_place_for_a_gig(sign_in: Any, freelancer: User):
    top = Category.objects.get(slug="design").pk
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload()], category=top))
    assert list(response.context["form"].errors) == ["category"]


@pytest.mark.parametrize(
    ("digits", "price"), [("١٢٣٤٫٥٦", "1234.56"), ("۱۲۳۴", "1234"), ("1,234.56", "1234.56"), ("EUR 99", "99")]
)
def test_prices_are_read_as_people_type_them(sign_in: Any, freelancer: User, digits: str, price: str):
    sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload()], price=digits))
    assert Gig.objects.get().price == Decimal(price)


def test_a_price_is_shown_back_when_something_else_is_wrong(sign_in: Any, freelancer: User):
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload()], title=""))
    assert "Read as 1,234.56\u00a0EUR." in response.text


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("page.png", b"<html><script>alert(1)</script></html>", "This is not a PNG"),
        ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "This is not a PNG"),
        ("moving.gif", picture_bytes("GIF"), "This is not a PNG"),
        ("empty.png", b"", "empty"),
        ("half.jpg", picture_bytes("JPEG", (400, 400))[:700], "damaged"),
        ("bomb.png", bomb(12_000, 12_000), "too many pixels"),
        ("strip.png", picture_bytes("PNG", (900, 10)), "too narrow"),
        ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024**2), "too large"),
    ],
)
def test_a_wrong_file_is_refused_at_the_field(sign_in: Any, freelancer: User, name: str, data: bytes, message: str):
    pictures = [picture_upload("fine.png"), SimpleUploadedFile(f"../../{name}", data, "image/png")]
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=pictures))
    assert list(response.context["form"].errors) == ["pictures"]
    (problem,) = response.context["form"].errors["pictures"]
    assert problem.startswith(f"{name}: ")
    assert message in problem
    assert "Your text is kept." in response.text
    assert (Gig.objects.count(), stored_files()) == (0, [])


@pytest.mark.parametrize("count", [0, 7])
def test_one_to_six_pictures_are_taken(sign_in: Any, freelancer: User, count: int):
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload() for _ in range(count)]))
    assert list(response.context["form"].errors) == ["pictures"]
    assert Gig.objects.count() == 0


@pytest.mark.parametrize(
    "rows",
    [
        {"questions-0-question": "Which?", "questions-0-kind": "choice", "questions-0-choices": "only one"},
        {"questions-0-question": "", "questions-0-kind": "choice", "questions-0-choices": "one\ntwo"},
        {"questions-0-question": "x" * 301},
        {"questions-0-question": "NUL\x00"},
        {"questions-0-question": "Which?", "questions-0-kind": "poem"},
        {"questions-0-question": "Which?", "questions-0-kind": "choice", "questions-0-choices": "x" * 121 + "\ntwo"},
        {
            "questions-0-question": "Which?",
            "questions-0-kind": "choice",
            "questions-0-choices": "\n".join("abcdefghijklmnopqrstu"),
        },
        {"questions-0-question": "Which?", "questions-0-ORDER": "first"},
        {"questions-TOTAL_FORMS": "11"},
        {"questions-TOTAL_FORMS": "1000000"},
        {"questions-TOTAL_FORMS": "many"},
    ],
)
def test_wrong_questions_are_refused(sign_in: Any, freelancer: User, rows: dict[str, str]):
    response = sign_in(freelancer).post("/gigs/new/", typed(pictures=[picture_upload()], **rows))
    assert response.status_code == 200
    assert response.context["questions"].total_error_count() > 0
    assert "in your questions below" in response.text
    assert (Gig.objects.count(), stored_files()) == (0, [])


def test_an_empty_post_explains_itself(sign_in: Any, freelancer: User):
    response = sign_in(freelancer).post("/gigs/new/", {})
    assert response.status_code == 200
    assert "title" in response.context["form"].errors


def test_offering_needs_a_sign_in():
    response = Client().get("/gigs/new/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/gigs/new/")


def test_a_post_without_csrf_token_is_refused(freelancer: User):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(freelancer)
    assert browser.post("/gigs/new/", typed(pictures=[picture_upload()])).status_code == 403
    assert Gig.objects.count() == 0


# Editing


def test_the_edit_page_holds_what_stands(sign_in: Any, gig: Gig):
    RequirementFactory(gig=gig, question="Which?", kind="choice", choices=["one", "two"])
    response = sign_in(gig.freelancer).get(f"/gigs/{gig.pk}/edit/")
    form = response.context["form"]
    assert (form["title"].value(), form["price"].value(), form["category"].value()) == ("Mine", "120.00", gig.category_id)
    assert response.context["questions"].forms[0]["choices"].value() == "one\ntwo"


def test_saving_changes_the_gig_and_empties_questions(sign_in: Any, gig: Gig):
    RequirementFactory(gig=gig)
    form = typed(title="Better", price="99", seen_at=gig.updated_at.isoformat(), **{"questions-INITIAL_FORMS": "1"})
    response = sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/edit/", form, follow=True)
    assert "The price is 99.00\u00a0EUR." in response.text
    fresh = Gig.objects.get()
    assert (fresh.title, fresh.price, fresh.requirements.count(), fresh.images.count()) == ("Better", Decimal(99), 0, 2)


def test_the_older_of_two_tabs_keeps_its_text_and_is_told(sign_in: Any, gig: Gig):
    stale = (gig.updated_at - timedelta(seconds=1)).isoformat()
    before = snapshot()
    response = sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/edit/", typed(title="From the other tab", seen_at=stale))
    assert "changed since you opened it" in response.text
    assert "From the other tab" in response.text
    assert snapshot() == before


@pytest.mark.parametrize("seen_at", ["", "yesterday", "9999-99-99T99:99", "x" * 500])
def test_a_broken_mark_of_time_does_not_stop_an_edit(sign_in: Any, gig: Gig, seen_at: str):
    sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/edit/", typed(title="Better", seen_at=seen_at))
    assert Gig.objects.get().title == "Better"


def test_an_archived_gig_is_not_edited(sign_in: Any, gig: Gig):
    archive_gig(actor=gig.freelancer, gig=gig)
    response = sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/edit/", typed(title="Better"))
    assert "This gig is archived. Restore it first." in response.text
    assert Gig.objects.get().title == "Mine"


# Pictures


def test_pictures_are_added_moved_and_removed(sign_in: Any, gig: Gig):
    browser = sign_in(gig.freelancer)
    browser.post(f"/gigs/{gig.pk}/pictures/", {"pictures": [picture_upload()]})
    one, two, three = gig.images.all()
    browser.post(f"/gigs/{gig.pk}/pictures/{three.pk}/move/", {"place": "0"})
    assert list(gig.images.all()) == [three, one, two]
    response = browser.post(f"/gigs/{gig.pk}/pictures/{one.pk}/remove/", follow=True)
    assert response.redirect_chain == [(f"/gigs/{gig.pk}/pictures/", 302)]
    assert list(gig.images.all()) == [three, two]
    assert browser.post(f"/gigs/{gig.pk}/pictures/{one.pk}/remove/").status_code == 302
    assert list(gig.images.all()) == [three, two]


@pytest.mark.parametrize("place", ["", "x", "-1", "9" * 50, "²"])
def test_a_place_that_is_none_is_the_first(sign_in: Any, gig: Gig, place: str):
    one, two = gig.images.all()
    sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/pictures/{two.pk}/move/", {"place": place})
    assert list(gig.images.all()) == [two, one]


def test_the_seventh_picture_is_refused(sign_in: Any, gig: Gig):
    before = snapshot()
    response = sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/pictures/", {"pictures": [picture_upload() for _ in range(5)]})
    assert response.context["form"].errors == {"pictures": ["A gig shows at most 6 pictures."]}
    assert (snapshot(), stored_files()) == (before, [])


def test_the_last_picture_stays(sign_in: Any, freelancer: User):
    image = GigImageFactory(gig=GigFactory(freelancer=freelancer))
    response = sign_in(freelancer).post(f"/gigs/{image.gig_id}/pictures/{image.pk}/remove/", follow=True)
    assert "The last picture stays. Add another one first, then remove this one." in response.text
    assert GigImage.objects.count() == 1


def test_choosing_nothing_is_said_so(sign_in: Any, gig: Gig):
    response = sign_in(gig.freelancer).post(f"/gigs/{gig.pk}/pictures/", {})
    assert response.context["form"].errors == {"pictures": ["Choose at least one picture."]}


@pytest.mark.parametrize(
    ("percent", "days", "words"),
    [
        ("10", 7, "keeps 10 % of the price and pays out after a hold of at least 7 days;"),
        ("12.50", 1, "keeps 12.5 % of the price and pays out after a hold of at least 1 day;"),
    ],
)
def test_the_fee_is_known_before_the_price_is_typed(sign_in: Any, gig: Gig, settings: Any, percent: str, days: int, words: str):
    settings.ESCROW_FEE_PCT, settings.HOLD_DAYS = percent, days
    browser = sign_in(gig.freelancer)
    assert words in browser.get("/gigs/new/").text
    assert words in browser.get(f"/gigs/{gig.pk}/edit/").text
    assert words in browser.post("/gigs/new/", typed(title="")).text


# Pausing, resuming, archiving, restoring

STEPS = {"pause": "paused", "resume": "active", "archive": "archived", "restore": "active"}
POSTS = ["pause", "resume", "archive", "restore", "pictures/{image}/move", "pictures/{image}/remove"]


def address(gig: Gig, action: str) -> str:
    return f"/gigs/{gig.pk}/{action.format(image=gig.images.last().pk)}/"


@pytest.mark.parametrize(("action", "state"), STEPS.items())
def test_the_owner_changes_the_state(sign_in: Any, gig: Gig, action: str, state: str):
    response = sign_in(gig.freelancer).post(address(gig, action))
    assert (response.status_code, response["Location"]) == (302, f"/gigs/mine/?tab={state}")
    assert Gig.objects.get().state == state


@pytest.mark.parametrize("action", POSTS)
def test_get_changes_nothing(sign_in: Any, gig: Gig, action: str):
    before = snapshot()
    assert sign_in(gig.freelancer).get(address(gig, action)).status_code == 405
    assert snapshot() == before


@pytest.mark.parametrize("action", [*POSTS, "edit", "pictures"])
def test_anonymous_is_asked_to_sign_in(gig: Gig, action: str):
    before = snapshot()
    response = Client().post(address(gig, action), typed(title="Stolen"))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    assert snapshot() == before


@pytest.mark.parametrize("action", [*POSTS, "edit", "pictures"])
def test_a_stranger_gets_404(sign_in: Any, stranger: User, gig: Gig, action: str):
    before = snapshot()
    assert sign_in(stranger).post(address(gig, action), typed(title="Stolen")).status_code == 404
    assert snapshot() == before


@pytest.mark.parametrize("action", ["resume", "pictures/{image}/move", "pictures/{image}/remove"])
def test_an_archived_gig_refuses_with_words(sign_in: Any, gig: Gig, action: str):
    archive_gig(actor=gig.freelancer, gig=gig)
    before = snapshot()
    response = sign_in(gig.freelancer).post(address(gig, action), follow=True)
    assert "This gig is archived. Restore it first." in response.text
    assert snapshot() == before


@pytest.mark.parametrize(("action", "state"), [("resume", "paused"), ("restore", "archived")])
def test_a_moderators_pause_stays_and_says_whom_to_write_to(
    sign_in: Any, gig: Gig, moderator: User, settings: Any, action: str, state: str
):
    moderator.user_permissions.add(Permission.objects.get(codename="change_gig"))
    pause_gig(actor=User.objects.get(pk=moderator.pk), gig=gig)
    if state == "archived":
        archive_gig(actor=gig.freelancer, gig=gig)
    before = snapshot()
    browser = sign_in(gig.freelancer)
    response = browser.post(address(gig, action), follow=True)
    assert f"A moderator has paused this gig. Write to {settings.SUPPORT_EMAIL} to have it put back." in response.text
    assert snapshot() == before
    row = browser.get(f"/gigs/mine/?tab={state}").text
    assert f'A moderator has paused this gig. Write to <a href="mailto:{settings.SUPPORT_EMAIL}">' in row
    assert address(gig, action) not in row


def test_the_page_of_a_gig_a_moderator_paused_says_so(sign_in: Any, gig: Gig, settings: Any):
    Gig.objects.update(is_active=False, paused_by_staff_at=timezone.now())
    page = sign_in(gig.freelancer).get(gig.get_absolute_url()).text
    assert "A moderator has paused this gig" in page
    assert f'Write to <a href="mailto:{settings.SUPPORT_EMAIL}">' in page
    assert "until you resume it" not in page
    assert address(gig, "resume") not in page


# My gigs


def test_my_gigs_stand_in_tabs_with_counts(sign_in: Any, gig: Gig, freelancer: User):
    paused = GigFactory(freelancer=freelancer, title="Resting")
    GigFactory(title="Not mine")
    pause_gig(actor=freelancer, gig=paused)
    response = sign_in(freelancer).get("/gigs/mine/?tab=paused")
    assert [gig.title for gig in response.context["page_obj"]] == ["Resting"]
    assert [(tab["label"], tab["count"], tab["current"]) for tab in response.context["tabs"]] == [
        ("Active", 1, False),
        ("Paused", 1, True),
        ("Archived", 0, False),
    ]


@pytest.mark.parametrize("tab", ["active", "paused", "archived", "x\x00"])
def test_empty_tabs_explain_themselves(sign_in: Any, stranger: User, tab: str):
    response = sign_in(stranger).get("/gigs/mine/", {"tab": tab})
    assert response.status_code == 200
    assert "empty__title" in response.text


def test_my_gigs_cost_the_same_with_many(sign_in: Any, freelancer: User, django_assert_max_num_queries: Any):
    browser = sign_in(freelancer)
    GigImageFactory(gig__freelancer=freelancer)
    browser.get("/gigs/mine/")
    with django_assert_max_num_queries(8) as one:
        browser.get("/gigs/mine/")
    GigImageFactory.create_batch(23, gig__freelancer=freelancer)
    for image in GigImageFactory.create_batch(4, gig__freelancer=freelancer):
        GigImageFactory(gig=image.gig)
    with django_assert_max_num_queries(8) as many:
        browser.get("/gigs/mine/")
    assert len(one) == len(many)


# The gig page


def test_anyone_sees_an_active_gig_with_an_order_button(gig: Gig):
    response = Client().get(gig.get_absolute_url())
    assert response.status_code == 200
    assert f'href="/orders/new/{gig.pk}/"' in response.text
    assert "<strong>one</strong>" in response.text


def test_the_owner_sees_edit_instead_of_order(sign_in: Any, gig: Gig):
    response = sign_in(gig.freelancer).get(gig.get_absolute_url())
    assert f'href="/gigs/{gig.pk}/edit/"' in response.text
    assert "/orders/new/" not in response.text


def test_a_paused_gig_is_only_its_owners(sign_in: Any, gig: Gig, stranger: User):
    pause_gig(actor=gig.freelancer, gig=gig)
    assert Client().get(gig.get_absolute_url()).status_code == 404
    assert sign_in(stranger).get(gig.get_absolute_url()).status_code == 404
    response = sign_in(gig.freelancer).get(gig.get_absolute_url())
    assert "This gig is paused" in response.text
    assert "/orders/new/" not in response.text


def test_an_archived_gig_has_no_page(sign_in: Any, gig: Gig):
    archive_gig(actor=gig.freelancer, gig=gig)
    assert sign_in(gig.freelancer).get(gig.get_absolute_url()).status_code == 404


def test_a_gig_without_pictures_questions_and_counters_has_a_page():
    gig = GigFactory(title="W" * 120, description="<script>alert(1)</script>", stats=None)
    response = Client().get(gig.get_absolute_url())
    assert response.status_code == 200
    assert "No pictures yet" in response.text
    assert "<script>alert" not in response.text


DRAWING = '<svg class="no-picture '


def test_a_gig_without_pictures_has_a_drawing_wherever_its_cover_would_stand(sign_in: Any, freelancer: User, stranger: User):
    gig = GigFactory(freelancer=freelancer)
    PlatformMethodFactory(currency=gig.currency)
    own, other = sign_in(freelancer), sign_in(stranger)
    places = [
        (other, "/"),
        (other, "/gigs/"),
        (other, gig.get_absolute_url()),
        (other, freelancer.get_absolute_url()),
        (other, reverse("orders:place", args=[gig.pk])),
        (own, reverse("gigs:mine")),
    ]
    assert [browser.get(place).text.count(DRAWING) for browser, place in places] == [1] * 6
    GigImageFactory(gig=gig)
    assert [browser.get(place).text.count(DRAWING) for browser, place in places] == [0] * 6


def test_the_drawing_is_decoration_and_the_page_says_it_in_words():
    page = Client().get(GigFactory().get_absolute_url()).text
    assert re.search(r'<svg class="no-picture gallery__main"[^>]* aria-hidden="true"', page)
    assert "No pictures yet" in page


def test_the_gig_page_costs_at_most_eight_queries(sign_in: Any, gig: Gig, stranger: User, django_assert_max_num_queries: Any):
    browser = sign_in(stranger)
    browser.get(gig.get_absolute_url())
    with django_assert_max_num_queries(8) as few:
        browser.get(gig.get_absolute_url())
    GigImageFactory.create_batch(4, gig=gig)
    RequirementFactory.create_batch(10, gig=gig)
    with django_assert_max_num_queries(8) as many:
        browser.get(gig.get_absolute_url())
    assert len(few) == len(many)
    assert Requirement.objects.count() == 10
