"""What docs/api.md says in its tables and examples is what the code does."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from django.conf import settings
from django.urls import resolve

from accounts.api.guesses import SUSPICIOUS
from accounts.gates import Gate
from accounts.models import Scope, User
from accounts.services.keys import MOST_KEYS
from accounts.tokens import verify_jwt
from marketplace import api, outbound
from marketplace.exceptions import DomainError
from marketplace.rest.errors import PROBLEMS, plain_problem, status_of
from orders.schemas.payouts import PayoutStep, RefundStep

PAGE = (settings.BASE_DIR / "docs/api.md").read_text()
APPS = ("accounts", "gigs", "marketplace", "messaging", "orders", "reviews")
# Rules that no operation meets: of the admin's desks, of pages without an operation, of files the site makes, of the stream.
ELSEWHERE = {
    *("already_decided", "not_allowed", "not_staff", "reason_missing", "line_refused", "line_unreadable", "statement_unreadable"),
    *("cannot_close", "email_taken", "invalid_token", "webhook_refused", outbound.NotAnswered.code, "payment_file_refused"),
    *("bad_frame", "too_many_sockets"),
    *("refused", "gig_refused"),  # the roots of others
}


def section(heading: str) -> str:
    """What stands under this heading, up to the next one."""
    return re.split(r"^#+ ", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def table(heading: str) -> list[list[str]]:
    """The cells of the tables under it but for lines and heads of columns, without the marks of code."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    ruled = [place for place, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    return [row for place, row in enumerate(cells) if place not in ruled and place + 1 not in ruled]


# --- Codes ----------------------------------------------------------------------------------------------------------
def refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    yield kind
    for further in kind.__subclasses__():
        yield from refusals(further)


def statuses_by_class() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind in refusals():
        if not {"tests", "conftest"} & set(kind.__module__.split(".")):
            found.setdefault(kind.code, set()).add(str(status_of(kind.__new__(kind))))
    return found


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in [path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.py")]:
        if not {"tests", "migrations"} & set(path.parts):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield getattr(node.func, "id", ""), node


def texts(values: list[ast.expr]) -> list[str]:
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def written_codes() -> set[str]:
    """Those that stand beside the class: `Refusal(403, "not_yours", …)`, `GigError(…, code="category")`."""
    found = set[str]()
    for name, call in calls():
        if name in ("Refusal", "problem"):
            found |= {text for text in texts(call.args[1:2]) if re.fullmatch("[a-z_]+", text)}
        if name != "ValidationError":
            found |= set(texts([keyword.value for keyword in call.keywords if keyword.arg == "code"]))
    return found


def plain_codes() -> dict[str, str]:
    """Of refusals that no operation made, by status."""
    named = re.findall(r"\n        (\d{3}): \(\"(\w+)\"", Path(plain_problem.__code__.co_filename).read_text())
    return {code: status for status, code in named}


def test_every_code_stands_on_the_page_and_no_others():
    known = statuses_by_class().keys() | written_codes() | plain_codes().keys() | {"error"}
    assert {row[0] for row in table("Codes") if len(row) == 3 and row[1]} == known - ELSEWHERE


def test_the_statuses_on_the_page_are_those_of_the_rules():
    said = {code: status for code, status, _when in table("Codes")}
    rules = {code: statuses for code, statuses in statuses_by_class().items() if code in said}
    assert {code: {said[code]} for code in rules} == rules
    assert {code: said[code] for code in plain_codes()} == plain_codes()


def test_what_is_said_to_happen_elsewhere_happens():
    assert statuses_by_class().keys() | written_codes() >= ELSEWHERE


# --- Numbers --------------------------------------------------------------------------------------------------------
def test_every_status_that_operations_document_is_explained():
    explained = {row[0] for row in table("Refusals")}
    assert {str(status) for status in PROBLEMS} <= explained


def test_the_limits_on_the_page_are_those_of_the_site():
    numbers = [int(match[0]) for row in table("How often") if (match := re.match(r"\d+", row[1]))]
    limits = settings.API_LIMITS
    kinds = ("read", "write", "message", "sign_in", "sign_in", "sign_in", "write")
    assert numbers == [limits[kind] for kind in kinds]


def test_the_wrong_codes_that_a_person_hears_of_are_as_many_as_the_page_says():
    words = {3: "three", 5: "five", 10: "ten"}
    assert f"After {words[SUSPICIOUS]} wrong codes in an hour" in " ".join(PAGE.split())


def test_the_scopes_on_the_page_are_those_of_keys():
    assert {row[0] for row in table("API keys")} == set(Scope.values)


def test_the_number_of_keys_is_that_of_the_tiers():
    numbers = re.search(r"free account has up to (\d+), `pro` (\d+), `enterprise` (\d+)", " ".join(section("API keys").split()))
    assert numbers and [int(number) for number in numbers.groups()] == [MOST_KEYS[tier] for tier in User.Tier]


def test_every_scope_is_asked_for_by_some_operation():
    gates = [operation.auth_param for operation in operations()]
    assert {scope for gate in gates if isinstance(gate, Gate) for scope in gate.scopes} == set(Scope)


def operations():
    for _prefix, router in api.api._routers:
        for view in router.path_operations.values():
            yield from view.operations


def test_the_addresses_on_the_page_are_those_there_are():
    named = {path for row in table("What there is") for path in re.findall(r"/[\w/{}-]+", " ".join(row))}
    there = {path.removeprefix("/api") for path in api.api.get_openapi_schema()["paths"]}
    first = {path.split("/")[1] for path in there}
    assert {path.split("/")[1] for path in named} == first
    assert {path for path in named if path.count("/") > 1 and path != "/auth/"} <= there


def test_the_addresses_in_the_text_are_those_there_are():
    named = set(re.findall(r"/api/([\w/{}-]+)", PAGE)) - {"openapi", "docs", "v2/"}
    there = {path.removeprefix("/api/") for path in api.api.get_openapi_schema()["paths"]}
    spelled = {re.sub("{\\w+}", "{}", path) for path in there}
    assert {re.sub("{\\w+}", "{}", path) for path in named} <= spelled


# --- Files, steps, pages ----------------------------------------------------------------------------------------------
def test_the_fields_of_uploads_on_the_page_are_those_of_the_operations():
    said = {tuple(row[0].split()): row[1].split(",")[0] for row in table("Files")}
    assert said == {
        (method.upper(), path): name
        for path, methods in api.api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
        if (name := file_field(operation))
    }


def file_field(operation: dict[str, Any]) -> str | None:
    """The one field of its form that is a file, or a list of them."""
    form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
    properties = form.get("properties", {})
    return next((name for name, field in properties.items() if "binary" in str(field)), None)


def test_the_steps_of_money_on_the_page_are_those_that_actions_name():
    money = (
        " ".join(section("What there is").split())
        .partition("In `actions` of a payout and of a refund")[2]
        .partition("- `actions`")[0]
    )
    named = set(re.findall(r"`(?:\w+ /api/\w+/{\w+}/)?(\w+)`", money))
    assert named == {*get_args(PayoutStep), *get_args(RefundStep)}


def test_the_pages_that_an_app_opens_are_those_there_are():
    pages = [row[0] for row in table("What stays on the website")]
    assert [resolve(path).view_name for path in pages] == [
        *("account_reset_password", "account_change_password", "account_email", "mfa_index", "mfa_list_webauthn"),
        *("orders:method_create", "orders:payout_account_create", "messaging:webhooks", "messaging:mail_settings"),
        "accounts:close",
    ]


# --- A token of one's own -------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_token_that_the_page_makes_without_a_library_opens_the_account(tmp_path: Path, buyer: User):
    if not shutil.which("node"):
        pytest.skip("no node to run the example of the page")
    example = re.search(r"^```js\n(.*?)^```$", section("Tokens that your front end makes"), re.MULTILINE | re.DOTALL)
    assert example
    script = tmp_path / "token.mjs"
    script.write_text(example[1] + "process.stdout.write(accessToken(process.argv[2], process.argv[3]));\n")
    command = ["node", str(script), str(buyer.pk), settings.JWT_SECRETS[0]]
    assert verify_jwt(subprocess.check_output(command, text=True)) == buyer
