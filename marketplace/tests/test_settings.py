"""What a site may start with: each refusal, the documents that name every variable, and the static files of production."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

pytestmark = pytest.mark.once
ROOT = settings.BASE_DIR
SECRET = "a-random-looking-secret-of-more-than-fifty-characters-0123456789"
OWN_KEY = "VGhpcyBpcyBhIGtleSBmb3IgdGVzdHMgb25seSAhISE="
SEPA = {"SEPA_DEBTOR_NAME": "Handsel", "SEPA_DEBTOR_IBAN": "DE89 3704 0044 0532 0130 00", "SEPA_DEBTOR_BIC": "COBADEFFXXX"}
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": SECRET,
    "ENCRYPTION_KEYS": OWN_KEY,
    "ALLOWED_HOSTS": "market.example.com",
    "SITE_URL": "https://market.example.com",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
}


def python(*command: str, folder: Path, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the project's Python with this environment alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(folder),
        "PYTHONWARNINGS": "error::RuntimeWarning",
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**environment, **variables},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_environment_is_needed(tmp_path):
    run = python("-c", "import marketplace.settings", folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(("level", "is_said"), [("INFO", True), ("ERROR", False)])
def test_the_level_of_the_log_is_djangos_too(tmp_path, level, is_said):
    looks = "import django, logging; django.setup(); print(logging.getLogger('django.request').isEnabledFor(logging.WARNING))"
    variables = {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "LOG_LEVEL": level}
    run = python("-c", looks, folder=tmp_path, **variables)
    assert run.stdout.strip() == str(is_said), run.stderr


def test_a_complete_production_environment_starts(tmp_path):
    run = python("-c", "import marketplace.settings", folder=tmp_path, **PRODUCTION)
    assert (run.returncode, run.stderr) == (0, "")


REFUSED = {
    "an origin in the clear": ({"CORS_ORIGINS": "http://app.example.com"}, "CORS_ORIGINS"),
    "an origin with a path": ({"CORS_ORIGINS": "https://app.example.com/"}, "CORS_ORIGINS"),
    "a limit of orders that is none": ({"ORDER_LIMITS": "unpayed=9"}, "ORDER_LIMITS"),
    "a limit of the API that is none": ({"API_LIMITS": "read=0"}, "API_LIMITS"),
    "the secret of development": ({"SECRET_KEY": ""}, "Set SECRET_KEY"),
    "a short secret": ({"SECRET_KEY": "short"}, "Set SECRET_KEY"),
    "a short earlier secret": ({"SECRET_KEY_FALLBACKS": "short"}, "Set SECRET_KEY"),
    "no key for account numbers": ({"ENCRYPTION_KEYS": ""}, "Set ENCRYPTION_KEYS"),
    "the key of development": ({"ENCRYPTION_KEYS": "ZGV2ZWxvcG1lbnQtb25seS1lbmNyeXB0aW9uLWtleSE="}, "Set ENCRYPTION_KEYS"),
    "the key of development as an earlier one": (
        {"ENCRYPTION_KEYS": f"{OWN_KEY},ZGV2ZWxvcG1lbnQtb25seS1lbmNyeXB0aW9uLWtleSE="},
        "Set ENCRYPTION_KEYS",
    ),
    "a malformed key": ({"ENCRYPTION_KEYS": "secret"}, "ENCRYPTION_KEYS are Fernet keys"),
    "a malformed earlier key": ({"ENCRYPTION_KEYS": f"{OWN_KEY},AAAA"}, "ENCRYPTION_KEYS are Fernet keys"),
    "no hosts": ({"ALLOWED_HOSTS": ""}, "Set ALLOWED_HOSTS"),
    "any host": ({"ALLOWED_HOSTS": "market.example.com, *"}, "Set ALLOWED_HOSTS"),
    "no address": ({"SITE_URL": ""}, "Set SITE_URL"),
    "an address without TLS": ({"SITE_URL": "http://market.example.com"}, "Set SITE_URL"),
    "an address of another host": ({"SITE_URL": "https://elsewhere.example.com"}, "Set SITE_URL"),
    "a trusted origin without TLS": ({"CSRF_TRUSTED_ORIGINS": "http://market.example.com"}, "CSRF_TRUSTED_ORIGINS"),
    "no mail": ({"EMAIL_URL": ""}, "Set EMAIL_URL"),
    "DEBUG on a public host": ({"DEBUG": "true"}, "DEBUG is on"),
    "another database": ({"DATABASE_URL": "mysql://root@localhost/market"}, "DATABASE_URL"),
    "a fee over the price": ({"ESCROW_FEE_PCT": "101"}, "ESCROW_FEE_PCT"),
    "a fee that is no number": ({"ESCROW_FEE_PCT": "ten"}, "ESCROW_FEE_PCT"),
    "a fee that is not a number": ({"ESCROW_FEE_PCT": "NaN"}, "ESCROW_FEE_PCT"),
    "a fee finer than it is kept": ({"ESCROW_FEE_PCT": "7.125"}, "ESCROW_FEE_PCT"),
    "a tier's fee over the price": ({"ESCROW_FEE_PCT_BY_TIER": "pro=101"}, "ESCROW_FEE_PCT_BY_TIER"),
    "a tier's fee that is no number": ({"ESCROW_FEE_PCT_BY_TIER": "pro=low"}, "ESCROW_FEE_PCT_BY_TIER"),
    "a tier that does not exist": ({"ESCROW_FEE_PCT_BY_TIER": "gold=5"}, "ESCROW_FEE_PCT_BY_TIER"),
    "a limit in no currency": ({"FOUR_EYES_OVER": "eur=1000"}, "FOUR_EYES_OVER"),
    "a smallest payout that is no number": ({"PAYOUT_MINIMUM": "EUR=few"}, "PAYOUT_MINIMUM"),
    "a smallest payout below zero": ({"PAYOUT_MINIMUM": "EUR=-5"}, "PAYOUT_MINIMUM"),
    "an account with wrong check digits": ({**SEPA, "SEPA_DEBTOR_IBAN": "DE88370400440532013000"}, "SEPA_DEBTOR_IBAN"),
    "a bank code of the wrong shape": ({**SEPA, "SEPA_DEBTOR_BIC": "COBA"}, "SEPA_DEBTOR_BIC"),
    "an account without its holder": ({**SEPA, "SEPA_DEBTOR_NAME": ""}, "SEPA_DEBTOR_NAME"),
    "an order that expires before its time": ({"EXPIRE_GRACE_HOURS": "-1"}, "EXPIRE_GRACE_HOURS"),
    "a limit below zero": ({"FOUR_EYES_OVER": "EUR=-1"}, "FOUR_EYES_OVER"),
    "a limit without its currency": ({"FOUR_EYES_OVER": "1000"}, "FOUR_EYES_OVER"),
    "a shorter hold for reversible money": ({"HOLD_DAYS": "7", "HOLD_DAYS_REVERSIBLE": "3"}, "HOLD_DAYS_REVERSIBLE"),
}


START_EACH = """
import json, os, runpy, sys, traceback
for environment in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(environment)
    try:
        runpy.run_module("marketplace.settings")
    except Exception as refusal:
        print(traceback.format_exception_only(refusal)[-1].splitlines()[-1])
    else:
        print("started")
"""


@pytest.fixture(scope="module")
def last_lines(tmp_path_factory) -> dict[str, str]:
    """What the settings say to each environment: read anew each time by one process, for to start one takes most of the time."""
    base = {"ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path_factory.mktemp("var"))}
    environments = [
        base | {name: value for name, value in {**PRODUCTION, **change}.items() if value} for change, _ in REFUSED.values()
    ]
    run = python("-c", START_EACH, folder=tmp_path_factory.getbasetemp(), given=json.dumps([*environments, base | PRODUCTION]))
    *lines, complete = run.stdout.splitlines()
    assert (run.stderr, complete) == ("", "started")
    return dict(zip(REFUSED, lines, strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_an_unsafe_or_senseless_environment_is_refused(last_lines, name):
    _change, complaint = REFUSED[name]
    assert "ImproperlyConfigured" in last_lines[name]
    assert complaint in last_lines[name]


def test_fees_minima_and_the_account_of_payouts_are_read_as_they_are_meant(tmp_path):
    code = (
        "from marketplace.settings import *; "
        "print(ESCROW_FEE_PCT_BY_TIER, PAYOUT_MINIMUM, FOUR_EYES_OVER, SEPA_DEBTOR_IBAN, SEPA_DEBTOR_BIC, EXPIRE_GRACE_HOURS)"
    )
    given = {**SEPA, "ESCROW_FEE_PCT_BY_TIER": "pro=8, enterprise=5.50", "PAYOUT_MINIMUM": "EUR=20,KES=1000"}
    run = python("-c", code, folder=tmp_path, **given)
    words = "{'pro': '8', 'enterprise': '5.50'} {'EUR': '20', 'KES': '1000'} {} DE89370400440532013000 COBADEFFXXX 24\n"
    assert (run.stderr, run.stdout) == ("", words)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_djangos_deployment_checks_have_nothing_to_say(tmp_path, database):
    grown = {
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "REDIS_URL": "redis://localhost:6379/15",
        "TRUSTED_PROXY_COUNT": "1",
    }
    environment = {**PRODUCTION, **(grown if database == "postgres" else {})}
    run = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, **environment)
    assert (run.returncode, run.stderr) == (0, "")


def test_options_of_the_database_address_are_kept(tmp_path):
    code = (
        "from marketplace.settings import DATABASES as d; o = d['default']['OPTIONS']; print(o['sslmode'], o['pool']['timeout'])"
    )
    run = python("-c", code, folder=tmp_path, DATABASE_URL="postgres://user@db.example.com/market?sslmode=require")
    assert run.stdout == "require 5\n"


# --- Documents ------------------------------------------------------------------------------------------------------
def variables_read() -> set[str]:
    """The names in every `env(…)`, `env.bool(…)`, `env.list(…)` … of the settings."""
    tree = ast.parse((ROOT / "marketplace/settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] == "env"]
    return {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}


def test_the_environment_is_read_in_the_settings_only():
    readers = {
        str(path.relative_to(ROOT))
        for app in ("marketplace", "accounts", "messaging", "gigs", "orders", "reviews")
        for path in (ROOT / app).rglob("*.py")
        if "tests" not in path.parts and re.search(r"os\.environ|getenv\(|environ\.Env", path.read_text())
    }
    programs_that_name_the_settings = {"marketplace/asgi.py", "marketplace/wsgi.py"}
    assert readers == {"marketplace/settings.py", "marketplace/settings_test.py"} | programs_that_name_the_settings


def test_the_example_environment_lists_exactly_what_the_settings_read():
    listed = re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) | {"ENV_FILE"} == variables_read()


def test_the_operations_page_explains_exactly_what_the_settings_read():
    explained = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(variables_read())


# --- Static files ---------------------------------------------------------------------------------------------------
def test_every_static_file_finds_what_it_refers_to(tmp_path):
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    with override_settings(STORAGES=storages, STATIC_ROOT=tmp_path, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        assert staticfiles_storage.url("css/tokens.css") != "/static/css/tokens.css"
        for template in (ROOT / "templates").rglob("*.html"):
            for name in re.findall(r"{% static ['\"]([^'\"]+)['\"]", template.read_text()):
                staticfiles_storage.url(name)  # raises for a file that is not there
