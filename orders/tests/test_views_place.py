import uuid
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from gigs.models import Gig, Requirement
from gigs.tests.factories import GigFactory, RequirementFactory
from messaging.models import Notification
from orders.models import Order, OrderEvent
from orders.selectors import gig_terms
from orders.states import Custody
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory

UNPAYABLE = "There is no way to pay for it yet"
CLOSED = "This gig is paused or no longer offered"


@pytest.fixture
def gig(freelancer) -> Gig:
    return GigFactory(freelancer=freelancer, title="I will draw your logo", price=Decimal("120"), currency="EUR")


def address(gig: Gig) -> str:
    return reverse("orders:place", args=[gig.pk])


def wishes(gig: Gig, method=None, **changes) -> dict[str, str]:
    method = method or PlatformMethodFactory(currency=gig.currency)
    chosen = {"payment_method": str(method.pk), "terms": gig_terms(gig), "placement_key": str(uuid.uuid4())}
    return {**chosen, **changes}


def assert_nothing_ordered() -> None:
    assert (Order.objects.count(), OrderEvent.objects.count(), Notification.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("custody", Custody)
def test_a_client_places_an_order_and_lands_on_its_page(gig, buyer, sign_in, custody):
    method = PlatformMethodFactory() if custody == Custody.PLATFORM else DirectMethodFactory(owner=gig.freelancer, currency="EUR")
    response = sign_in(buyer).post(address(gig), wishes(gig, method))
    order = Order.objects.get()

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    assert (order.client, order.custody, order.payment_method) == (buyer, custody, method)


def test_the_page_says_who_holds_the_money_for_every_way_to_pay(gig, buyer, sign_in):
    DirectMethodFactory(owner=gig.freelancer, currency="EUR", label="A wallet")
    PlatformMethodFactory(label="The platform's bank")
    page = sign_in(buyer).get(address(gig)).content.decode()

    assert page.index("The platform&#x27;s bank") < page.index("A wallet")
    assert "Held by the platform until you approve" in page
    assert "Paid to the freelancer directly: the platform records but does not hold your money" in page
    assert "Only then the money is released" in page


def test_only_the_way_of_the_custody_offered_is_told(gig, buyer, sign_in):
    DirectMethodFactory(owner=gig.freelancer, currency="EUR")
    page = sign_in(buyer).get(address(gig)).content.decode()

    assert "this site records it but does not hold it" in page
    assert "Only then the money is released" not in page


def test_methods_of_other_people_other_currencies_and_archived_ones_are_not_offered(gig, buyer, sign_in):
    for method in (
        DirectMethodFactory(currency="EUR"),
        PlatformMethodFactory(currency="USD"),
        PlatformMethodFactory(is_active=False),
    ):
        response = sign_in(buyer).post(address(gig), wishes(gig, method))
        assert response.status_code == 422
    assert_nothing_ordered()


def test_answers_are_kept_with_their_questions(gig, buyer, sign_in):
    name = RequirementFactory(gig=gig, position=0)
    colour = RequirementFactory(
        gig=gig, position=1, question="Which colour?", kind=Requirement.Kind.CHOICE, choices=["Blue", "Red"], is_required=False
    )
    sign_in(buyer).post(address(gig), wishes(gig, **{f"answer_{name.pk}": "Bäckerei\r\nOkafor", f"answer_{colour.pk}": ""}))

    assert list(Order.objects.get().answers.values_list("question", "answer")) == [
        (name.question, "Bäckerei\nOkafor"),
        ("Which colour?", ""),
    ]


@pytest.mark.parametrize("answer", ["", "  ", "x" * 4001, "nul\x00", "\u202etxet"])
def test_a_bad_answer_keeps_the_others_and_orders_nothing(gig, buyer, sign_in, answer):
    first, second = RequirementFactory(gig=gig, position=0), RequirementFactory(gig=gig, position=1)
    answers = {f"answer_{first.pk}": answer, f"answer_{second.pk}": "Round, please"}
    response = sign_in(buyer).post(address(gig), wishes(gig, **answers))

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [f"answer_{first.pk}"]
    assert "Round, please" in response.content.decode()
    assert_nothing_ordered()


def test_an_answer_that_is_no_choice_is_refused(gig, buyer, sign_in):
    question = RequirementFactory(gig=gig, kind=Requirement.Kind.CHOICE, choices=["Blue", "Red"])
    response = sign_in(buyer).post(address(gig), wishes(gig, **{f"answer_{question.pk}": "Green"}))

    assert list(response.context["form"].errors) == [f"answer_{question.pk}"]
    assert_nothing_ordered()


@pytest.mark.parametrize("changes", [{"payment_method": ""}, {"payment_method": "x"}, {"terms": ""}, {"placement_key": "x"}])
def test_a_form_that_was_tampered_with_orders_nothing(gig, buyer, sign_in, changes):
    response = sign_in(buyer).post(address(gig), wishes(gig, **changes))

    assert response.status_code == 422
    assert_nothing_ordered()


def test_a_double_click_places_one_order(gig, buyer, sign_in):
    browser, form = sign_in(buyer), wishes(gig)
    places = {browser.post(address(gig), form).url for _ in range(2)}

    assert places == {Order.objects.get().get_absolute_url()}


def test_a_second_visit_places_a_second_order(gig, buyer, sign_in):
    PlatformMethodFactory()
    keys = {sign_in(buyer).get(address(gig)).context["form"]["placement_key"].value() for _ in range(2)}

    assert len(keys) == 2


def test_a_gig_that_changed_meanwhile_is_shown_again_with_its_new_price_and_the_answers_kept(gig, buyer, sign_in):
    question = RequirementFactory(gig=gig)
    form = wishes(gig, **{f"answer_{question.pk}": "Bäckerei Okafor"})
    Gig.objects.update(price=Decimal("150"))
    browser = sign_in(buyer)
    response = browser.post(address(gig), form)
    page = response.content.decode()

    assert response.status_code == 422
    assert "changed this gig since you opened it" in page
    assert "Bäckerei Okafor" in page
    assert_nothing_ordered()
    again = response.context["form"]
    assert browser.post(address(gig), {name: again[name].value() for name in again.fields}).status_code == 302
    assert Order.objects.get().price == 150


def test_a_gig_paused_meanwhile_says_so_and_keeps_the_answers(gig, buyer, sign_in):
    question = RequirementFactory(gig=gig)
    form = wishes(gig, **{f"answer_{question.pk}": "Bäckerei Okafor"})
    Gig.objects.update(is_active=False)
    response = sign_in(buyer).post(address(gig), form)

    assert response.status_code == 422
    assert response.context["form"].non_field_errors() == ["This gig cannot be ordered at the moment."]
    assert "Bäckerei Okafor" in response.content.decode()
    assert_nothing_ordered()


def test_a_paused_gig_says_so_instead_of_a_form(gig, buyer, sign_in):
    PlatformMethodFactory()
    Gig.objects.update(is_active=False)
    response = sign_in(buyer).get(address(gig))

    assert response.status_code == 200
    assert CLOSED in response.content.decode()
    assert gig.title not in response.content.decode()


def test_the_gig_of_a_closed_account_cannot_be_ordered(gig, buyer, sign_in):
    PlatformMethodFactory()
    gig.freelancer.is_active = False
    gig.freelancer.save()

    assert CLOSED in sign_in(buyer).get(address(gig)).content.decode()


def test_a_gig_nobody_can_pay_says_so(gig, buyer, sign_in):
    assert UNPAYABLE in sign_in(buyer).get(address(gig)).content.decode()


def test_ones_own_gig_cannot_be_ordered(gig, freelancer, sign_in):
    method = PlatformMethodFactory()
    browser = sign_in(freelancer)

    assert "This gig is your own" in browser.get(address(gig)).content.decode()
    assert "This gig is your own" in browser.post(address(gig), wishes(gig, method)).content.decode()
    assert_nothing_ordered()


def test_a_gig_that_never_was_is_404(buyer, sign_in):
    assert sign_in(buyer).get(reverse("orders:place", args=[uuid.uuid4()])).status_code == 404


def test_an_anonymous_visitor_signs_in_first(gig, client):
    response = client.post(address(gig), wishes(gig))

    assert response.url == f"/accounts/login/?next={address(gig)}"
    assert_nothing_ordered()


def test_a_post_without_its_token_is_refused(gig, buyer):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(buyer)

    assert browser.post(address(gig), wishes(gig)).status_code == 403
    assert_nothing_ordered()


def test_looking_at_the_page_orders_nothing(gig, buyer, sign_in):
    sign_in(buyer).get(address(gig))

    assert_nothing_ordered()


def test_the_page_costs_the_same_with_many_ways_to_pay_and_many_questions(gig, buyer, sign_in, django_assert_num_queries):
    browser = sign_in(buyer)
    PlatformMethodFactory()
    browser.get(address(gig))
    with django_assert_num_queries(6):
        browser.get(address(gig))
    for number in range(10):
        PlatformMethodFactory(label=f"Bank {number}")
        RequirementFactory(gig=gig, position=number)
    UserFactory()
    with django_assert_num_queries(6):
        browser.get(address(gig))
