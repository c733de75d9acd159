import io

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User, UserStats
from accounts.services import deactivate_account
from accounts.tests.factories import UserFactory

PROFILE = {"full_name": "Amara O.", "handle": "amara-o", "bio": "I draw **maps**.", "time_zone": "Africa/Lagos"}
PAGES = ["accounts:settings", "accounts:picture", "accounts:close"]


def picture(format: str = "PNG", size: tuple[int, int] = (900, 600), name: str = "me.png") -> SimpleUploadedFile:
    out = io.BytesIO()
    image = Image.new("RGB", size, "#1c5a45")
    image.paste("#ffffff", (0, 0, size[0] // 4, size[1]))
    image.save(out, format)
    return SimpleUploadedFile(name, out.getvalue(), content_type="image/png")


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_settings_pages_open_for_their_person_and_send_others_to_sign_in(client: Client, buyer: User, name):
    url = reverse(name)
    assert client.get(url).url == f"{reverse('account_login')}?next={url}"
    assert client.post(url).url == f"{reverse('account_login')}?next={url}"
    client.force_login(buyer)
    page = client.get(url)
    assert page.status_code == 200
    assert 'aria-current="page"' in page.content.decode()
    assert client.put(url).status_code == 405


@pytest.mark.django_db
class TestProfile:
    def test_is_saved(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.post(reverse("accounts:settings"), PROFILE).url == reverse("accounts:settings")
        buyer.refresh_from_db()
        assert {name: getattr(buyer, name) for name in PROFILE} == PROFILE

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("full_name", ""),
            ("full_name", "x" * 10_000),
            ("full_name", "Eve\u202emoc"),
            ("full_name", "a\nb"),
            ("handle", "a"),
            ("handle", "Not A Handle"),
            ("handle", "-amara"),
            ("handle", "admin"),
            ("handle", "jose"),
            ("handle", "support-1"),
            ("bio", "x" * 4001),
            ("bio", "nul\x00"),
            ("time_zone", "Mars/Olympus"),
            ("time_zone", ""),
        ],
    )
    def test_bad_input_is_said_keeps_the_text_and_writes_nothing(self, client, buyer: User, freelancer: User, field, value):
        client.force_login(buyer)
        response = client.post(reverse("accounts:settings"), {**PROFILE, field: value})
        assert response.status_code == 200
        assert list(response.context["form"].errors) == [field]
        assert response.context["form"]["bio"].value() == (value if field == "bio" else PROFILE["bio"])
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.handle, buyer.bio) == ("Amara Okafor", "amara", "")

    def test_a_name_of_the_site_is_refused_beside_its_field(self, client: Client, buyer: User):
        client.force_login(buyer)
        answer = client.post(reverse("accounts:settings"), {**PROFILE, "full_name": "Handsel Support"})
        assert answer.context["form"].errors == {"full_name": ["This name is kept for the site itself. Write your own name."]}
        buyer.refresh_from_db()
        assert (buyer.full_name, buyer.bio) == ("Amara Okafor", "")

    def test_a_reserved_handle_somebody_has_already_may_stay(self, client: Client):
        person = UserFactory(handle="support")
        client.force_login(person)
        assert client.post(reverse("accounts:settings"), {**PROFILE, "handle": "support"}).status_code == 302


@pytest.mark.django_db
class TestPicture:
    def test_is_made_square_small_and_webp(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.post(reverse("accounts:picture"), {"picture": picture()}).url == reverse("accounts:picture")
        buyer.refresh_from_db()
        with default_storage.open(buyer.avatar.name) as file:
            stored = Image.open(file)
            assert (stored.format, stored.size) == ("WEBP", (512, 512))
        served = client.get(buyer.avatar_url)
        served.close()
        assert served.headers["Content-Type"] == "image/webp"

    def test_a_new_one_replaces_the_file_of_the_old(self, client: Client, buyer: User, django_capture_on_commit_callbacks):
        client.force_login(buyer)
        client.post(reverse("accounts:picture"), {"picture": picture()})
        old = User.objects.get(pk=buyer.pk).avatar.name
        with django_capture_on_commit_callbacks(execute=True):
            client.post(reverse("accounts:picture"), {"picture": picture()})
        new = User.objects.get(pk=buyer.pk).avatar.name
        assert (default_storage.exists(old), default_storage.exists(new)) == (False, True)

    def test_can_be_removed(self, client: Client, buyer: User, django_capture_on_commit_callbacks):
        client.force_login(buyer)
        client.post(reverse("accounts:picture"), {"picture": picture()})
        name = User.objects.get(pk=buyer.pk).avatar.name
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post(reverse("accounts:picture_remove")).url == reverse("accounts:picture")
        buyer.refresh_from_db()
        assert (buyer.avatar_url, default_storage.exists(name)) == ("/people/amara/initial.svg", False)

    def test_removing_is_a_post_by_the_person(self, client: Client, buyer: User):
        assert client.post(reverse("accounts:picture_remove")).url.startswith(reverse("account_login"))
        client.force_login(buyer)
        assert client.get(reverse("accounts:picture_remove")).status_code == 405

    @pytest.mark.parametrize(
        "upload",
        [
            SimpleUploadedFile("x.png", b"<!doctype html><script>alert(1)</script>"),
            SimpleUploadedFile("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            SimpleUploadedFile("x.png", b""),
            SimpleUploadedFile("x.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40),
            SimpleUploadedFile("x.gif", b"GIF89a" + b"\x00" * 40),
            picture("PNG", (6000, 6000)),
            SimpleUploadedFile("x.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * (10 * 1024 * 1024)),
        ],
        ids=["html", "svg", "empty", "broken", "gif", "too many pixels", "too large"],
    )
    def test_what_is_no_fit_picture_is_refused(self, client: Client, buyer: User, upload):
        client.force_login(buyer)
        response = client.post(reverse("accounts:picture"), {"picture": upload})
        assert (response.status_code, list(response.context["form"].errors)) == (200, ["picture"])
        assert User.objects.get(pk=buyer.pk).avatar.name == ""

    def test_none_is_refused(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.post(reverse("accounts:picture"), {}).status_code == 200


@pytest.mark.django_db
class TestClosing:
    GOOD = {"password": "a long password", "understood": "on"}

    def test_closes_and_signs_out(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.post(reverse("accounts:close"), self.GOOD).url == reverse("home")
        assert User.objects.get(pk=buyer.pk).is_active is False
        assert "_auth_user_id" not in client.session
        assert client.get(reverse("person", args=["amara"])).status_code == 404

    @pytest.mark.parametrize("wrong", [{"password": "wrong", "understood": "on"}, {"password": "a long password"}, {}])
    def test_needs_the_password_and_the_tick(self, client: Client, buyer: User, wrong):
        client.force_login(buyer)
        assert client.post(reverse("accounts:close"), wrong).status_code == 200
        assert User.objects.get(pk=buyer.pk).is_active is True

    def test_the_only_administrator_is_told_why_not(self, client: Client):
        boss = UserFactory(is_staff=True, is_superuser=True)
        client.force_login(boss)
        response = client.post(reverse("accounts:close"), self.GOOD)
        assert "only administrator" in response.content.decode()
        assert User.objects.get(pk=boss.pk).is_active is True


@pytest.mark.django_db
class TestInitial:
    def test_is_an_image_that_browsers_and_caches_may_keep(self, client: Client, buyer: User, django_assert_num_queries):
        with django_assert_num_queries(1):
            response = client.get("/people/amara/initial.svg")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert (response.headers.get("Vary"), response.headers["X-Content-Type-Options"]) == (None, "nosniff")
        assert ">A</text>" in response.content.decode()
        assert "style" not in response.content.decode()

    def test_asks_nothing_more_for_the_signed_in(self, client: Client, buyer: User, django_assert_num_queries):
        client.force_login(buyer)
        with django_assert_num_queries(1):
            client.get("/people/amara/initial.svg")

    def test_stays_for_closed_accounts_whose_orders_stay(self, client: Client, buyer: User):
        deactivate_account(actor=buyer, user=buyer)
        assert client.get("/people/amara/initial.svg").status_code == 200

    def test_of_an_unknown_handle_is_404(self, client: Client):
        assert client.get("/people/nobody/initial.svg").status_code == 404

    def test_is_read_only(self, client: Client, buyer: User):
        assert client.post("/people/amara/initial.svg").status_code == 405


@pytest.mark.django_db
class TestPublicPage:
    def test_shows_the_person_with_markdown_made_safe(self, client: Client, buyer: User):
        buyer.bio = "I draw **maps**. <script>alert(1)</script> [x](javascript:alert(1))"
        buyer.save()
        UserStats.objects.create(user=buyer, orders_completed=7, rating_sum=9, rating_count=2)
        html = client.get(reverse("person", args=["amara"])).content.decode()
        assert "<strong>maps</strong>" in html
        assert "<script>alert" not in html
        assert 'href="javascript' not in html
        assert "4.5 out of 5 stars, 2 reviews" in html

    def test_answers_to_the_handle_in_any_case(self, client: Client, buyer: User):
        assert client.get("/people/AMARA/").status_code == 200

    def test_has_good_words_for_somebody_new(self, client: Client, buyer: User):
        html = client.get(reverse("person", args=["amara"])).content.decode()
        assert "Amara offers nothing at the moment." in html
        assert "Edit my profile" not in html
        client.force_login(buyer)
        assert "Edit my profile" in client.get(reverse("person", args=["amara"])).content.decode()

    def test_never_shows_the_address(self, client: Client, buyer: User):
        assert buyer.email not in client.get(reverse("person", args=["amara"])).content.decode()

    def test_escapes_the_name(self, client: Client):
        person = UserFactory(full_name="<img src=x onerror=alert(1)>")
        assert "<img src=x" not in client.get(person.get_absolute_url()).content.decode()
