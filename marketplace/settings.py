"""Every setting of the site, and the only place that reads the environment.

Without any environment the site runs embedded: SQLite, in-memory layer, mail into files, answering on this machine only.
`.env.example` lists every variable; production is any run with `DEBUG=false`.
"""

import re
from decimal import Decimal, InvalidOperation
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from corsheaders.defaults import default_headers
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from schwifty import BIC, IBAN

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (_env_file := Path(env("ENV_FILE", default=str(BASE_DIR / ".env")))).is_file():
    environ.Env.read_env(_env_file)  # the process's own environment wins

# --- The site -------------------------------------------------------------------------------------------------------
SITE_NAME = env("SITE_NAME", default="Handsel")
SITE_URL = env("SITE_URL", default="http://localhost:8000").rstrip("/")
VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)

# --- Safety: what a public site may not start with ------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=True)
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DEVELOPMENT_KEY = "development-only-key-that-no-public-site-may-use-0123456789"
SECRET_KEY = env("SECRET_KEY", default=DEVELOPMENT_KEY)
SECRET_KEY_FALLBACKS = [key.strip() for key in env.list("SECRET_KEY_FALLBACKS", default=[])]
DEVELOPMENT_ENCRYPTION_KEY = "ZGV2ZWxvcG1lbnQtb25seS1lbmNyeXB0aW9uLWtleSE="
# Fernet keys for account numbers at rest: the first encrypts, every one decrypts.
ENCRYPTION_KEYS = [key.strip() for key in env.list("ENCRYPTION_KEYS", default=[])] or [DEVELOPMENT_ENCRYPTION_KEY]
try:
    _keys = [Fernet(key) for key in ENCRYPTION_KEYS]
except ValueError:
    raise ImproperlyConfigured("ENCRYPTION_KEYS are Fernet keys, comma-separated: see docs/operations.md.") from None
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=LOCAL_HOSTS if DEBUG else [])]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in env.list("CSRF_TRUSTED_ORIGINS", default=[])]
EMAIL_URL = env("EMAIL_URL", default="")
if DEBUG and set(ALLOWED_HOSTS) - {*LOCAL_HOSTS, ".localhost"}:
    raise ImproperlyConfigured("DEBUG is on, so the site answers on this machine only: set DEBUG=false or unset ALLOWED_HOSTS.")
if not DEBUG:
    if any(key == DEVELOPMENT_KEY or len(key) < 50 for key in [SECRET_KEY, *SECRET_KEY_FALLBACKS]):
        raise ImproperlyConfigured("Set SECRET_KEY to at least 50 random characters before running with DEBUG=false.")
    if DEVELOPMENT_ENCRYPTION_KEY in ENCRYPTION_KEYS:
        raise ImproperlyConfigured("Set ENCRYPTION_KEYS to a key of your own before running with DEBUG=false.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("Set ALLOWED_HOSTS to the names this site answers to (no *) before running with DEBUG=false.")
    if urlsplit(SITE_URL).scheme != "https" or not validate_host(urlsplit(SITE_URL).hostname or "", ALLOWED_HOSTS):
        raise ImproperlyConfigured("Set SITE_URL to the https:// address people use, on a host of ALLOWED_HOSTS.")
    if not all(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS):
        raise ImproperlyConfigured("CSRF_TRUSTED_ORIGINS may only name https:// origins.")
    if not EMAIL_URL:
        raise ImproperlyConfigured("Set EMAIL_URL (smtp+tls://user:password@host:587): without mail nobody can sign up.")

# --- Apps and middleware --------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "marketplace.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "auditlog",
    "channels",
    "corsheaders",
    "csp",
    "django_htmx",
    "huey.contrib.djhuey",
    "ninja",
    "marketplace",
    "accounts",
    "messaging",
    "gigs",
    "orders",
    "reviews",
]
MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",  # first, so that what the next one refuses carries the policy too
    "corsheaders.middleware.CorsMiddleware",
    "marketplace.rest.answers.json_only",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.middleware.request_size_limit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "marketplace.audit.who_and_where",
    "marketplace.middleware.private_pages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.session_activity",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.persons_time_zone",
]
ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
WSGI_APPLICATION = "marketplace.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.context_processors.site",
                "messaging.context_processors.unread",
            ]
        },
    }
]
FORM_RENDERER = "marketplace.forms.FormRenderer"

# --- Database: SQLite, or PostgreSQL by DATABASE_URL ----------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # writers queue up instead of failing halfway
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;",
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _pool = {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=8), "timeout": 5}
    # A step of an order is some twenty short statements: prepared, they cost the server half and Python a fifth less.
    # Each is still planned with its own values: a plan that knows none reads all of somebody's 5,000 conversations for a page.
    _prepared = {"server_side_binding": True, "prepare_threshold": 5, "options": "-c plan_cache_mode=force_custom_plan"}
    _database["OPTIONS"] = {"connect_timeout": 5, **_prepared, **_database.get("OPTIONS", {}), "pool": _pool}
    _database["CONN_MAX_AGE"] = 0  # the pool keeps the connections
    _database["CONN_HEALTH_CHECKS"] = True  # so that a restarted server costs no request
else:
    raise ImproperlyConfigured("DATABASE_URL names neither SQLite (sqlite:///path) nor PostgreSQL (postgres://user@host/name).")

# --- Cache, channel layer, background work: in this process, or Redis by REDIS_URL ----------------------------------
REDIS_URL = env("REDIS_URL", default="")
_huey = {"name": "marketplace", "immediate": False, "consumer": {"workers": 2, "max_delay": 1}}
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "marketplace.cache.ForgivingRedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
    }
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
    HUEY = {**_huey, "huey_class": "huey.RedisHuey", "connection": {"url": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    # A socket hears its groups as long as it is open, not for a day only.
    CHANNEL_LAYERS = {"default": {"BACKEND": "marketplace.realtime.LayerInMemory", "CONFIG": {"group_expiry": 10**9}}}
    HUEY = {**_huey, "huey_class": "huey.SqliteHuey", "filename": str(VAR_DIR / "huey.sqlite3")}

# --- Files: public media, private files behind views, static --------------------------------------------------------
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"
PRIVATE_ROOT = VAR_DIR / "private"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # served without /static/: what browsers ask for by themselves
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": PRIVATE_ROOT,
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
MAX_REQUEST_BYTES = 110 * 1024 * 1024  # ten files of work, and the words around them
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- People: sign-in, sessions, second factor -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "full_name", "handle")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "orders:list"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "add_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "reauthenticate": "accounts.forms.ConfirmPasswordForm",
    "confirm_email_verification_code": "accounts.forms.EmailCodeForm",
    "confirm_password_reset_code": "accounts.forms.ResetCodeForm",
}
MFA_ADAPTER = "accounts.adapter.FactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.SignInCodeForm",
    "reauthenticate": "accounts.factor_forms.ConfirmCodeForm",
    "activate_totp": "accounts.factor_forms.ActivateAppForm",
    "login_webauthn": "accounts.factor_forms.SignInKeyForm",
    "authenticate_webauthn": "accounts.factor_forms.AuthenticateKeyForm",
    "reauthenticate_webauthn": "accounts.factor_forms.ConfirmKeyForm",
    "add_webauthn": "accounts.factor_forms.AddKeyForm",
    "edit_webauthn": "accounts.factor_forms.RenameKeyForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
USERSESSIONS_TRACK_ACTIVITY = True
STAFF_SECOND_FACTOR_REQUIRED = not DEBUG
# Tokens of programs: the first secret signs, every one verifies. Without any they come from SECRET_KEY.
JWT_SECRETS = [secret.strip() for secret in env.list("JWT_SECRET", default=[])] or [
    salted_hmac("accounts.tokens", "JWT_SECRET", secret=key, algorithm="sha256").hexdigest()
    for key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)
]
JWT_COOKIE_NAME = env("JWT_COOKIE_NAME", default="access_token")
JWT_AUDIENCE = env("JWT_AUDIENCE", default="")
JWT_ISSUER = env("JWT_ISSUER", default="")
JWT_TRUST_EMAIL = env.bool("JWT_TRUST_EMAIL", default=False)  # may a token without `sub` name its person by `email`
if any(len(secret.encode()) < 32 for secret in JWT_SECRETS):
    raise ImproperlyConfigured("Each JWT_SECRET has at least 32 bytes; several are separated by commas, the newest first.")

# --- Audit: which columns are written down with every change, and what is masked in them -----------------------------
# Whole tables are named here and nowhere else; a test wants each column of theirs tracked or left out on purpose. What a
# `QuerySet.update()` or `bulk_create()` changes is not seen: services save these rows one by one.
AUDITLOG_STORE_JSON_CHANGES = True  # compares values, not their spelling: a price of 120.00 is the one of 120.0
_MONEY_GOES_TO = {"mask_callable": "marketplace.audit.mask_account"}
_SECRET = {"mask_callable": "marketplace.encryption.hide"}
AUDITLOG_INCLUDE_TRACKING_MODELS: list[dict[str, Any]] = [
    {
        "model": "accounts.User",
        "include_fields": [
            *("email", "password", "full_name", "handle", "bio", "avatar", "time_zone", "tier"),
            *("is_active", "is_staff", "is_superuser"),
        ],
        "mask_fields": ["password"],
        "m2m_fields": ["groups", "user_permissions"],
        **_SECRET,
    },
    {"model": "auth.Group", "include_fields": ["name"], "m2m_fields": ["permissions"]},
    {"model": "account.EmailAddress", "include_fields": ["user", "email", "verified", "primary"]},
    {"model": "mfa.Authenticator", "include_fields": ["user", "type", "data"], "mask_fields": ["data"], **_SECRET},
    {"model": "accounts.ApiKey", "include_fields": ["user", "name", "prefix", "scopes", "revoked_at"]},
    {
        "model": "messaging.Webhook",
        "include_fields": ["user", "url", "hears", "disabled_at"],
        "mask_fields": ["url"],
        "mask_callable": "marketplace.audit.mask_address",
    },
    {"model": "gigs.Category", "include_fields": ["name", "slug", "parent", "position", "escrow_fee_pct"]},
    {
        "model": "gigs.Gig",
        "include_fields": [
            *("freelancer", "category", "title", "description", "price", "currency", "delivery_days", "revisions_included"),
            *("auto_approve_days", "is_active", "archived_at", "paused_by_staff_at"),
        ],
    },
    {
        "model": "orders.PaymentMethod",
        "include_fields": [
            *("custody", "owner", "kind", "label", "account_holder", "account_number", "routing", "instructions", "currency"),
            *("pay_window_hours", "is_reversible", "is_active", "csv_mapping"),
        ],
        "mask_fields": ["account_number", "routing", "instructions"],
        **_MONEY_GOES_TO,
    },
    {
        "model": "orders.PayoutAccount",
        "include_fields": ["owner", "kind", "currency", "holder", "account", "routing", "is_active"],
        "mask_fields": ["account", "routing"],
        **_MONEY_GOES_TO,
    },
    {  # what people wrote to each other stays out of the log
        "model": "messaging.MessageReport",
        "include_fields": ["message", "reporter", "reason", "decision", "decision_note", "decided_by"],
    },
    {"model": "messaging.Block", "include_fields": ["blocker", "blocked"]},
]

# --- Sessions, cookies, transport, content security policy ----------------------------------------------------------
SESSION_ENGINE = "accounts.session_backend"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG and env.bool("HSTS_SUBDOMAINS", default=True)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # to stand on the browsers' preload list is the owner's own decision
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if DEBUG else "https"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src-attr": [NONE],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Mail: files under var/mail, or SMTP by EMAIL_URL ---------------------------------------------------------------
if EMAIL_URL:
    globals().update({name: value for name, value in env.email_url("EMAIL_URL").items() if value is not None})
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default=f"{SITE_NAME} <noreply@localhost>")
SERVER_EMAIL = parseaddr(DEFAULT_FROM_EMAIL)[1]
SUPPORT_EMAIL = env("SUPPORT_EMAIL", default=f"help@{urlsplit(SITE_URL).hostname}")  # where people reach a moderator


# --- The deal: what every new order is promised, and how money leaves ------------------------------------------------
def _pairs(text: str) -> dict[str, str]:
    """`EUR=1000, KES=130000` as a dictionary; a value that is missing is the empty text."""
    halves = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {name.strip(): value.strip() for name, _mark, value in halves}


def _number(text: str) -> Decimal:
    """The number in the text; -1, which nothing here may be, where there is none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(-1)
    return number if number.is_finite() else Decimal(-1)


def _read_limits(name: str, usual: dict[str, int], text: str) -> dict[str, int]:
    """Whole numbers by what they limit: those of the text in place of the usual ones."""
    given = {what: _number(limit) for what, limit in _pairs(text).items()}
    if set(given) - set(usual) or not all(limit >= 1 and limit == int(limit) for limit in given.values()):
        words = ",".join(f"{what}={limit}" for what, limit in usual.items())
        raise ImproperlyConfigured(f"{name} are whole numbers, comma-separated: {words}.")
    return usual | {what: int(limit) for what, limit in given.items()}


DEFAULT_CURRENCY = env("DEFAULT_CURRENCY", default="EUR")
ESCROW_FEE_PCT = env("ESCROW_FEE_PCT", cast=str, default="10")  # percent of the price, a decimal number as text
ESCROW_FEE_PCT_BY_TIER = _pairs(env("ESCROW_FEE_PCT_BY_TIER", default=""))  # the same for the tiers of User.Tier
# Orders of one client that wait for a first payment, and those placed within a day of which nothing was paid; `…_one`: with one
# freelancer. More than anybody pays at a time. Without the second pair, who cancels each could place and mail for ever.
_orders = {"unpaid": 20, "unpaid_one": 5, "day": 40, "day_one": 10}
ORDER_LIMITS = _read_limits("ORDER_LIMITS", _orders, env("ORDER_LIMITS", default=""))
HOLD_DAYS = env.int("HOLD_DAYS", default=7)
HOLD_DAYS_REVERSIBLE = env.int("HOLD_DAYS_REVERSIBLE", default=14)
EXPIRE_GRACE_HOURS = env.int("EXPIRE_GRACE_HOURS", default=24)
REVIEW_WINDOW_DAYS = 14
# One amount a currency, such as EUR=1000,KES=130000. Above the first two people confirm a payment, send a payout or a refund
# (none is off); from the second on a freelancer may ask for a payout (none is any amount).
FOUR_EYES_OVER = _pairs(env("FOUR_EYES_OVER", default=""))
PAYOUT_MINIMUM = _pairs(env("PAYOUT_MINIMUM", default=""))
# The account that SEPA payout files are drawn on.
SEPA_DEBTOR_NAME = env("SEPA_DEBTOR_NAME", default="").strip()
SEPA_DEBTOR_IBAN = env("SEPA_DEBTOR_IBAN", default="").strip()
SEPA_DEBTOR_BIC = env("SEPA_DEBTOR_BIC", default="").strip()
_percents = [_number(percent) for percent in (ESCROW_FEE_PCT, *ESCROW_FEE_PCT_BY_TIER.values())]
if not all(0 <= percent <= 100 and percent == round(percent, 2) for percent in _percents):
    raise ImproperlyConfigured("ESCROW_FEE_PCT and ESCROW_FEE_PCT_BY_TIER are numbers from 0 to 100 with at most two decimals.")
if set(ESCROW_FEE_PCT_BY_TIER) - {"free", "pro", "enterprise"}:
    raise ImproperlyConfigured("ESCROW_FEE_PCT_BY_TIER names the tiers free, pro and enterprise: pro=8,enterprise=5.")
for _name, _limits in {"FOUR_EYES_OVER": FOUR_EYES_OVER, "PAYOUT_MINIMUM": PAYOUT_MINIMUM}.items():
    if not all(re.fullmatch("[A-Z]{3,5}", code) and _number(limit) >= 0 for code, limit in _limits.items()):
        raise ImproperlyConfigured(f"{_name} is CURRENCY=AMOUNT pairs, comma-separated: EUR=1000,KES=130000.")
if HOLD_DAYS < 0 or HOLD_DAYS_REVERSIBLE < HOLD_DAYS or EXPIRE_GRACE_HOURS < 0:
    raise ImproperlyConfigured("HOLD_DAYS and EXPIRE_GRACE_HOURS are from 0 on, HOLD_DAYS_REVERSIBLE at least HOLD_DAYS.")
try:
    SEPA_DEBTOR_IBAN = SEPA_DEBTOR_IBAN and str(IBAN(SEPA_DEBTOR_IBAN))  # without spaces
    SEPA_DEBTOR_BIC = SEPA_DEBTOR_BIC and str(BIC(SEPA_DEBTOR_BIC))
except ValueError as _fault:
    raise ImproperlyConfigured(f"SEPA_DEBTOR_IBAN or SEPA_DEBTOR_BIC is wrong: {_fault}") from None
if SEPA_DEBTOR_IBAN and not SEPA_DEBTOR_NAME:
    raise ImproperlyConfigured("Set SEPA_DEBTOR_NAME, the holder of the account SEPA_DEBTOR_IBAN.")

# --- The API: how often, how much, and for whose pages ---------------------------------------------------------------
_calls = {"sign_in": 5, "message": 60, "write": 120, "read": 600}  # of one caller in a minute
API_LIMITS = _read_limits("API_LIMITS", _calls, env("API_LIMITS", default=""))
API_LISTS_KEPT = 10  # seconds that a list which is the same for everybody is not made anew
API_TIER_FACTORS = {"pro": 2, "enterprise": 5}
# Origins whose pages may call the API, with the person's cookies (https://app.example.com); none but this site's own by default.
CORS_ALLOWED_ORIGINS = [origin.strip() for origin in env.list("CORS_ORIGINS", default=[])]
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-none-match", "x-api-key"]
CORS_EXPOSE_HEADERS = ["ETag", "Idempotent-Replayed", "Retry-After"]
if not all(re.fullmatch(r"https?://[^/*]+" if DEBUG else r"https://[^/*]+", origin) for origin in CORS_ALLOWED_ORIGINS):
    raise ImproperlyConfigured("CORS_ORIGINS are https:// origins without a path, comma-separated: https://app.example.com.")

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="UTC")

# --- Logging --------------------------------------------------------------------------------------------------------
_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[*_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(
                    [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
                    if DEBUG
                    else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
                ),
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO").upper()},
    "loggers": {
        # Else Django prints each line a second time, and LOG_LEVEL does not count for it.
        "django": {"handlers": [], "level": "NOTSET", "propagate": True},
        "huey": {"handlers": ["console"], "level": "WARNING", "propagate": False},  # not a line for every look at the tables
    },
}
