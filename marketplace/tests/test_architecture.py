"""The layers of docs/architecture.md, read from the imports of every module. Each rule is also shown to fail when broken."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.once

# Each app may use itself and those before it; the kernel (`marketplace`) uses none.
APPS = ("accounts", "messaging", "gigs", "orders", "reviews")
COMPOSITION_ROOT = {"urls", "routing", "asgi", "api", "pages", "admin", "management", "demo"}

# Every kind of module, lowest row first. A module imports only from rows below its own. A new name needs a place here.
LAYERS: dict[str, float] = {
    **dict.fromkeys(["exceptions"], 0),
    **dict.fromkeys(["iban"], 0.5),
    **dict.fromkeys(["states", "events", "references", "handles", "off_platform"], 1),
    **dict.fromkeys(["statements", "bank_accounts", "payment_files"], 1),
    **dict.fromkeys(["tones"], 1.5),
    **dict.fromkeys(["models"], 2),
    **dict.fromkeys(["deals", "frames"], 2.5),
    **dict.fromkeys(["selectors", "qr", "pictures", "sessions", "time_zones", "requests"], 3),
    **dict.fromkeys(["facts", "letters", "session_backend", "tokens"], 3.2),
    **dict.fromkeys(["next_step_words"], 3.4),
    **dict.fromkeys(["clocks", "matching", "next_steps", "presence", "timeline"], 3.5),
    **dict.fromkeys(["notifications"], 4),
    **dict.fromkeys(["ledger"], 4.5),
    **dict.fromkeys(["services"], 5),
    **dict.fromkeys(["callers"], 5.2),
    **dict.fromkeys(["gates"], 5.3),
    **dict.fromkeys(["answers"], 5.5),
    **dict.fromkeys(["forms", "desk_forms", "method_forms", "payout_forms", "place_form"], 6),
    **dict.fromkeys(["contact_forms", "dispute_forms", "factor_forms", "proposal_forms", "statement_forms"], 6.5),
    **dict.fromkeys(["schemas"], 6.5),
    **dict.fromkeys(["views", "api", "admin", "consumers", "management", "tasks"], 7),
    **dict.fromkeys(["adapter", "middleware", "context_processors", "templatetags"], 7),
    **dict.fromkeys(["urls", "routing", "apps"], 8),
}
SERVICES, FORMS, ENTRY, WIRING = 5, 6, 7, 8
OPEN_TO_OTHER_APPS = {
    *("deals", "exceptions", "states", "events", "models", "selectors", "services", "requests"),
    *("callers", "gates", "schemas"),  # what the operations of every app begin and end with
}
NEVER = {"utils", "helpers", "common", "core", "signals"}
WRITERS = {"services", "ledger"}
WRITES = {
    *("save", "asave", "delete", "adelete", "update", "aupdate", "create", "acreate", "bulk_create", "bulk_update"),
    *("get_or_create", "update_or_create"),
}
# Calls outside services that look like a write and are none: (module, call).
NOT_A_WRITE = {
    ("accounts.session_backend", "super.delete"),
    ("marketplace.uploads.pictures", "picture.save"),
    ("messaging.presence", "cache.delete"),
    ("gigs.views", "filled.update"),
    ("orders.api.steps", "ADDRESSES.update"),
    ("orders.qr", "code.save"),
}
# Below the entry points and still handed the request: it only asks who it is, when the first instant is shown.
SEES_REQUEST = {"accounts.time_zones"}


@dataclass(frozen=True)
class Module:
    name: str
    tree: ast.Module

    @property
    def parts(self) -> list[str]:
        return self.name.split(".")

    @property
    def package(self) -> str:
        return self.parts[0]

    @property
    def kind(self) -> str:
        return self.parts[1] if len(self.parts) > 1 else "__init__"

    @property
    def is_test(self) -> bool:
        return self.kind in {"tests", "settings_test"} or self.package == "conftest"


@cache
def modules(root: Path) -> list[Module]:
    paths = [path for package in ("marketplace", *APPS) for path in sorted((root / package).rglob("*.py"))]
    named = {path: ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in paths}
    return [Module(name, ast.parse(path.read_text(), str(path))) for path, name in named.items() if ".migrations" not in name]


def breaches(module: Module) -> Iterator[str]:
    """What this module does against the rules, a sentence each."""
    forbidden = NEVER & set(module.parts)
    if forbidden:
        yield f"{module.name}: no module is called {forbidden.pop()}; give it the name of what it does"
    if module.is_test:
        return
    if module.package in APPS and module.kind not in {*LAYERS, "__init__", *NEVER}:
        yield f"{module.name}: give `{module.kind}` a place in LAYERS"
    elif module.kind != "__init__":
        yield from _import_breaches(module)
        yield from _request_breaches(module)
    yield from _inline_import_breaches(module)
    yield from _signal_breaches(module)
    yield from _write_breaches(module)


def imported(tree: ast.AST, module: Module) -> Iterator[tuple[str, str]]:
    """(full dotted target, name it gets here) of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(module.parts[: -node.level]) + "." if node.level else ""
            yield from (
                (f"{above}{node.module or ''}.{alias.name}".replace("..", "."), alias.asname or alias.name)
                for alias in node.names
            )


def _import_breaches(module: Module) -> Iterator[str]:
    here = LAYERS.get(module.kind, ENTRY)
    for target, _name in imported(module.tree, module):
        package, kind = [*target.split("."), ""][:2]
        if package == "marketplace" or package not in APPS:
            continue
        arrow = f"{module.name} imports {target}"
        if module.package == "marketplace":
            if module.kind not in COMPOSITION_ROOT:
                yield f"{arrow}: the kernel knows no app"
            continue
        if kind not in LAYERS:
            continue  # the package itself; a module without a place is reported by its own check
        there = LAYERS[kind]
        if package != module.package:
            if APPS.index(package) > APPS.index(module.package):
                yield f"{arrow}: {module.package} stands below {package}"
            if kind not in OPEN_TO_OTHER_APPS:
                yield f"{arrow}: other apps are used through models, selectors and services"
        elif kind == module.kind:
            continue
        if FORMS <= here < ENTRY and there == SERVICES:
            yield f"{arrow}: forms never call services"
        elif here == there == ENTRY:
            yield f"{arrow}: entry points do not know each other"
        elif there > here or (there == here and package == module.package):
            yield f"{arrow}: only rows below"


def _request_breaches(module: Module) -> Iterator[str]:
    if module.package not in APPS or LAYERS.get(module.kind, ENTRY) > SERVICES or module.name in SEES_REQUEST:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            if any(argument.arg == "request" for argument in arguments):
                yield f"{module.name}: `request` reached {node.name}, below the entry points"


def _inline_import_breaches(module: Module) -> Iterator[str]:
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"{module.name}:{node.lineno}: import at the top of the module"


def _signal_breaches(module: Module) -> Iterator[str]:
    for target, _name in imported(module.tree, module):
        if target.startswith("django.dispatch") or ".signals" in target:
            yield f"{module.name} imports {target}: no signals for the business's rules"
    for call in _method_calls(module.tree):
        if call.func.attr == "connect":
            yield f"{module.name}:{call.lineno}: {ast.unparse(call.func)}: no signals for the business's rules"


def _write_breaches(module: Module) -> Iterator[str]:
    foreign = {
        name
        for target, name in imported(module.tree, module)
        if target.split(".")[0] in APPS and target.split(".")[0] != module.package and target.split(".")[1:2] == ["models"]
    }
    managers = {
        id(node)
        for owner in ast.walk(module.tree)
        if module.kind == "models" and isinstance(owner, ast.ClassDef) and owner.name.endswith(("Manager", "QuerySet"))
        for node in ast.walk(owner)
    }
    for call in _method_calls(module.tree):
        if call.func.attr not in WRITES or id(call) in managers:
            continue
        spelled = f"{_root(call.func)}.{call.func.attr}"
        if module.kind == "api" and spelled == "router.delete":
            continue  # the method of HTTP
        if module.kind in WRITERS:
            if _root(call.func) in foreign:
                yield f"{module.name}:{call.lineno}: {spelled}: another app's rows are written by its own services"
        elif module.kind != "management" and (module.name, spelled) not in NOT_A_WRITE and module.name != "marketplace.settings":
            yield f"{module.name}:{call.lineno}: {spelled}: only services write"


def _method_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def _root(node: ast.expr) -> str:
    """The name a chain of attributes and calls starts with: `Order` of `Order.objects.filter(…).update`."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return ast.unparse(node)
    return node.id


def test_no_module_breaks_a_rule():
    found = [breach for module in modules(settings.BASE_DIR) for breach in breaches(module)]
    assert found == [], "\n".join(found)


def test_the_walk_sees_every_app():
    seen = {module.package for module in modules(settings.BASE_DIR)}
    assert seen == {"marketplace", *APPS}
    assert set(APPS) == {name for name in settings.INSTALLED_APPS if (settings.BASE_DIR / name).is_dir()} - {"marketplace"}


def test_every_exception_is_still_needed():
    used = {
        (module.name, f"{_root(call.func)}.{call.func.attr}")
        for module in modules(settings.BASE_DIR)
        for call in _method_calls(module.tree)
    }
    assert NOT_A_WRITE - used == set()


PLANTED = {
    "an app below imports one above": ("gigs/services.py", "from orders.models import Order", "gigs stands below orders"),
    "the kernel imports an app": ("marketplace/money.py", "import accounts.models", "the kernel knows no app"),
    "a selector calls a service": ("gigs/selectors.py", "from gigs.services import pause_gig", "only rows below"),
    "a model reads a selector": ("orders/models/order.py", "from orders import selectors", "only rows below"),
    "a relative import climbs": ("gigs/models.py", "from .views import gig", "only rows below"),
    "a form calls a service": ("gigs/forms.py", "from gigs.services import create_gig", "forms never call services"),
    "a form calls another app's service": ("gigs/forms.py", "from accounts.services import edit", "forms never call services"),
    "a view uses another view": ("orders/views/pages.py", "from orders.api import router", "entry points do not know each other"),
    "a task uses a view": ("messaging/tasks.py", "from messaging.views import bell", "entry points do not know each other"),
    "a view reaches into another app's forms": (
        "orders/views/pages.py",
        "from gigs.forms import GigForm",
        "through models, selectors",
    ),
    "an import hides in a function": ("gigs/services.py", "def f():\n    import json", "import at the top of the module"),
    "a receiver": ("orders/services/lifecycle.py", "from django.dispatch import receiver", "no signals"),
    "a connected signal": ("orders/apps.py", "post_save.connect(print)", "no signals"),
    "a view saves": ("gigs/views.py", "def f(gig):\n    gig.save()", "only services write"),
    "a view creates": ("gigs/views.py", "def f():\n    Gig.objects.create(title='x')", "only services write"),
    "a selector updates": (
        "orders/selectors.py",
        "def f():\n    Order.objects.filter(pk=1).update(price=0)",
        "only services write",
    ),
    "an admin deletes": ("orders/admin.py", "def f(order):\n    order.events.all().delete()", "only services write"),
    "a model saves itself": ("gigs/models.py", "class Gig:\n    def pause(self):\n        self.save()", "only services write"),
    "the kernel writes": ("marketplace/http.py", "def f(row):\n    row.bulk_create([])", "only services write"),
    "a service writes another app's rows": (
        "orders/services/payments.py",
        "from accounts.models import User\ndef f():\n    User.objects.filter(pk=1).update(bio='')",
        "written by its own services",
    ),
    "a request below the entry points": ("orders/selectors.py", "def f(*, request): ...", "below the entry points"),
    "a drawer of odds and ends": ("orders/utils.py", "", "no module is called utils"),
    "a drawer in a package": ("orders/helpers/dates.py", "", "no module is called helpers"),
    "a module without a place": ("orders/wizardry.py", "", "a place in LAYERS"),
}


@pytest.mark.parametrize(("path", "source", "complaint"), PLANTED.values(), ids=PLANTED)
def test_a_planted_breach_is_reported(tmp_path: Path, path: str, source: str, complaint: str):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    found = [breach for module in modules(tmp_path) for breach in breaches(module)]
    assert len(found) == 1
    assert complaint in found[0]


ALLOWED = {
    "a service writes its own rows": ("orders/services/payments.py", "from orders.models import Order\nOrder.objects.create()"),
    "a manager saves": ("accounts/models.py", "class UserManager:\n    def make(self, user):\n        user.save()"),
    "an app uses the ones below": (
        "reviews/services.py",
        "from gigs.services import record_rating\nfrom orders.models import Order",
    ),
    "services know each other": ("orders/services/payments.py", "from orders.services.lifecycle import change_order_status"),
    "the composition root": ("marketplace/pages.py", "from gigs.selectors import list_gigs"),
    "tests do what they like": ("gigs/tests/test_x.py", "from reviews.models import Review\nReview.objects.create()"),
}


@pytest.mark.parametrize(("path", "source"), ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_is_not_reported(tmp_path: Path, path: str, source: str):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    assert [breach for module in modules(tmp_path) for breach in breaches(module)] == []
