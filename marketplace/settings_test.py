"""The few settings that tests override: fast hashing, mail in memory, background work at once, scratch folders.

No `.env` is read. TEST_DB_SUFFIX keeps the databases of two runs on one PostgreSQL apart.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("ENV_FILE", os.devnull)

from marketplace.settings import *  # noqa: F403
from marketplace.settings import CACHES, CHANNEL_LAYERS, DATABASES, HUEY, REDIS_URL, STORAGES, env

_scratch_folder = tempfile.TemporaryDirectory(prefix="marketplace-test-")  # gone when the process ends
_scratch = Path(_scratch_folder.name)
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
STAFF_SECOND_FACTOR_REQUIRED = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MEDIA_ROOT = _scratch / "media"
PRIVATE_ROOT = _scratch / "private"
STORAGES = {
    **STORAGES,
    "private": {**STORAGES["private"], "OPTIONS": {**STORAGES["private"]["OPTIONS"], "location": PRIVATE_ROOT}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
HUEY = {**HUEY, "immediate": True}
ACCOUNT_RATE_LIMITS = False
ORDER_LIMITS = dict.fromkeys(["unpaid", "unpaid_one", "day", "day_one"], 10**6)  # tests make many orders of two people
API_LISTS_KEPT = 0  # what a test changes shows at once
if REDIS_URL:  # of this process alone, though the server is shared
    CACHES["default"] |= {"BACKEND": "marketplace.tests.redis_cache.OwnKeysRedisCache", "KEY_PREFIX": _scratch.name}
    CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = _scratch.name
# A database with every migration applied already, a file or a name on the server: the test databases are copies of it.
_template = env("TEST_DB_TEMPLATE", default="")
_test = {"TEMPLATE": _template, "MIGRATE": False} if _template else {}
if "pool" in DATABASES["default"]["OPTIONS"]:
    DATABASES["default"]["TEST"] = {"NAME": f"test_marketplace{env('TEST_DB_SUFFIX', default='')}", **_test}
    DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # no commit waits for the disk
else:  # a file, so that threads (the browser's server, races) have connections of their own as on a real site
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3"), **_test}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
