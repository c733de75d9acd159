"""The admin, model by model: every change form can be saved as it stands, nothing can be deleted, no status can be typed."""

import itertools
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.models import Category
from marketplace.tests.test_access import METHODS, Address, addresses, ask, page_for, path_to, read_page, sign_everyone_in
from marketplace.tests.world import World
from marketplace.tests.world_money import IBAN, WALLET
from orders.selectors import PAY_OUT, RESOLVE, VERIFY

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
DELETABLE = {Group, Category}  # no record of anything: groups name permissions, and a category with gigs is protected
WRITTEN_BY_SERVICES = {"status", "payment_status", "state", "version", "published_at", "txid"}


@pytest.fixture
def superuser(world: World) -> User:
    return UserFactory(email="root@example.com", full_name="Root", is_staff=True, is_superuser=True)


@pytest.fixture
def client(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


@pytest.fixture
def request_of_superuser(rf: RequestFactory, superuser: User) -> HttpRequest:
    request = rf.get("/admin/")
    request.user = superuser
    return request


def admin_of(model: type[Model]) -> ModelAdmin:
    return admin.site._registry[model]


def page_of(model: type[Model], page: str, row: Model | None = None) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=[row.pk] if row else [])


class Form(HTMLParser):
    """What a browser would send if nobody touched the form `<id>_form`."""

    def __init__(self, html: str, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.values: dict[str, list[str]] = {}
        self.select: str | None = None
        self.textarea: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        name = given.get("name")
        if not self.inside or "disabled" in given:
            return
        if tag == "input" and name and given.get("type") not in {"submit", "file", "button", "image"}:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                value = given.get("value") or ("on" if given.get("type") == "checkbox" else "")
                self.values.setdefault(name, []).append(value)
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.values.setdefault(self.select, []).append(given.get("value") or "")
        elif tag == "textarea" and name:
            self.textarea = name
            self.values[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.textarea = None

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.values[self.textarea][0] += data.removeprefix("\n") if not self.values[self.textarea][0] else data


def test_the_world_has_a_row_of_every_model(world: World):
    assert [model._meta.label for model in MODELS if not model._default_manager.exists()] == []


def test_every_list_opens_and_can_be_searched_and_sorted(client: Client, world: World):
    addresses = [page_of(model, "changelist") + query for model in MODELS for query in ("", "?q=amara", "?o=1")]
    assert {address: status for address in addresses if (status := client.get(address, follow=True).status_code) != 200} == {}


def test_saving_a_change_form_untouched_changes_nothing(client: Client, world: World, request_of_superuser: HttpRequest):
    faults = {model._meta.label: save_untouched(model, client, request_of_superuser) for model in MODELS}
    assert {label: fault for label, fault in faults.items() if fault} == {}


def save_untouched(model: type[Model], client: Client, request: HttpRequest) -> str:
    """ "" when the form is saved and nothing has changed, or when this model is not changed by hand."""
    row = model._default_manager.order_by("pk")[0]
    before = model_to_dict(row)
    page = client.get(page_of(model, "change", row), follow=True)
    form = Form(page.content.decode(), f"{model._meta.model_name}_form")
    answer = client.post(page_of(model, "change", row), {**form.values, "_save": "Save"})
    expected = {302} if admin_of(model).has_change_permission(request, row) else {403, 405}
    if page.status_code != 200 or answer.status_code not in expected:
        return f"page {page.status_code}, answer {answer.status_code}, errors {answer.context and answer.context.get('errors')}"
    after = model_to_dict(model._default_manager.get(pk=row.pk))
    return "" if after == before else f"changed: {[name for name in before if before[name] != after[name]]}"


def test_nothing_that_is_a_record_can_be_deleted(client: Client, world: World, request_of_superuser: HttpRequest):
    ways = {model._meta.label: ways_to_delete(model, client, request_of_superuser) for model in MODELS if model not in DELETABLE}
    assert {label: way for label, way in ways.items() if way} == {}


def ways_to_delete(model: type[Model], client: Client, request: HttpRequest) -> list[str]:
    row = model._default_manager.order_by("pk")[0]
    answer = client.post(page_of(model, "delete", row), {"post": "yes"})
    inlines = admin_of(model).get_inline_instances(request, row)
    return [
        *(["permission"] if admin_of(model).has_delete_permission(request, row) else []),
        *(["action"] if "delete_selected" in admin_of(model).get_actions(request) else []),
        *([f"answer {answer.status_code}"] if answer.status_code not in (403, 405) else []),
        *(["gone"] if not model._default_manager.filter(pk=row.pk).exists() else []),
        *(f"inline {inline}" for inline in inlines if inline.can_delete and inline.has_delete_permission(request, row)),
    ]


def test_no_form_offers_what_only_services_write(world: World, request_of_superuser: HttpRequest):
    offered = {model._meta.label: fields_offered(model, request_of_superuser) & WRITTEN_BY_SERVICES for model in MODELS}
    assert {label: fields for label, fields in offered.items() if fields} == {}


def fields_offered(model: type[Model], request: HttpRequest) -> set[str]:
    row = model._default_manager.order_by("pk")[0]
    fields: set[str] = set()
    if admin_of(model).has_add_permission(request):
        fields |= set(admin_of(model).get_form(request, None, change=False).base_fields)
    if admin_of(model).has_change_permission(request, row):
        fields |= set(admin_of(model).get_form(request, row, change=True).base_fields)
    return fields


# --- The desks ------------------------------------------------------------------------------------------------------
DESKS = {"paymentproof": VERIFY, "bankstatement": VERIFY, "dispute": RESOLVE, "disbursement": PAY_OUT, "payoutbatch": PAY_OUT}

NAMED = {address.name: address for address in addresses().values()}
OF_NO_DEAL_OF_THEIRS = {"admin:orders_disbursement_send", "admin:orders_disbursement_account"}
NAMED_IN_THE_FORM = [  # decisions whose order or row does not stand in the address
    *("disbursement_approve_all", "bankstatement_green"),
    *("bankstatement_confirm", "bankstatement_other", "bankstatement_link"),
]


@pytest.mark.parametrize("permission", [VERIFY, RESOLVE, PAY_OUT])
def test_one_permission_opens_its_own_desks_and_no_other(permission: str, world: World):
    moderator = world.people["moderator"]
    moderator.user_permissions.set(Permission.objects.filter(codename=permission.partition(".")[2]))
    page, sessions = read_page(), sign_everyone_in(world)
    wrong = {}
    for address in addresses().values():
        desk = desk_of(address)
        for method in METHODS if desk else ():
            said = (page["The desks"] | page["The admin"])[address.written, method][-1]
            (found,) = ask(world, sessions, address, method, ["moderator"])
            if found != (said if DESKS[desk] == permission else "403"):
                wrong[f"{method} {address.written}"] = found
    assert wrong == {}


def desk_of(address: Address) -> str:
    """Which desk's list, page or decision it is, "" for anything else."""
    _admin, _mark, name = address.name.partition("admin:orders_")
    desk, _mark, page = name.partition("_")
    return desk if desk in DESKS and page not in ("", "add", "history", "delete", "change") else ""


@pytest.mark.parametrize(("permission", "answer"), [(VERIFY, "404"), (RESOLVE, "200"), (PAY_OUT, "404")])
def test_evidence_is_read_by_who_resolves_disputes(permission: str, answer: str, world: World):
    moderator = world.people["moderator"]
    moderator.user_permissions.set(Permission.objects.filter(codename=permission.partition(".")[2]))
    sessions = sign_everyone_in(world)
    for name in ("orders:evidence_file", "orders:dispute_pack"):
        assert ask(world, sessions, NAMED[name], "GET", ["moderator"]) == [answer]


def test_a_moderator_who_is_a_party_finds_nothing_of_theirs_at_the_desks(world: World):
    party = world.people["freelancer"]
    party.is_staff = True
    party.save()
    party.user_permissions.set(Permission.objects.filter(content_type__app_label="orders"))
    sessions, found = sign_everyone_in(world), {}
    for address in addresses().values():
        is_of_a_deal = desk_of(address) in ("paymentproof", "dispute", "disbursement") and "_id>" in address.written
        if is_of_a_deal and address.name not in OF_NO_DEAL_OF_THEIRS:
            found[address.name] = {ask(world, sessions, address, method, ["freelancer"])[0] for method in METHODS}
    assert {name: answers for name, answers in found.items() if answers != {"404"}} == {}
    refused = [ask(world, sessions, NAMED[f"admin:orders_{name}"], "POST", ["freelancer"]) for name in NAMED_IN_THE_FORM]
    assert "done" not in itertools.chain(*refused)


def test_who_may_not_pay_out_never_reads_where_people_are_paid(world: World):
    moderator = world.people["moderator"]
    session, sections = sign_everyone_in(world)["moderator"], read_page()
    desk = path_to(NAMED["admin:orders_disbursement_desk"], world)
    assert IBAN in page_for(session, desk)
    moderator.user_permissions.remove(Permission.objects.get(codename="pay_out"))
    pages = sections["Orders"] | sections["Disputes"] | sections["The admin"] | sections["The desks"]
    paths = [path_to(addresses()[written], world) for written, method in pages if method == "GET"]
    assert desk in paths
    assert [path for path in paths if any(number in page_for(session, path) for number in (IBAN, WALLET))] == []


def test_the_parser_of_forms_sends_what_a_browser_sends():
    html = """
      <form id="x_form"><input name="a" value="1"><input type="checkbox" name="b">
      <input type="checkbox" name="c" checked value="on">
      <select name="d"><option value="1"><option value="2" selected></select><textarea name="e">
words</textarea><input type="submit" name="f"></form><form id="y_form"><input name="g" value="1"></form>
    """
    assert Form(html, "x_form").values == {"a": ["1"], "c": ["on"], "d": ["2"], "e": ["words"]}
