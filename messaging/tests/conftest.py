"""A kind of its own for these tests, with words of its own, so that they depend on no other app."""

import copy

import pytest

from messaging.events import KINDS, Kind

WORDS = {
    "tests/email/thing.subject.txt": "News of {{ title }}\n  for {{ recipient.get_short_name }}\n",
    "tests/email/thing.txt": "\n{{ title }} at {{ when|date:'H:i e' }}, see {{ url }} on {{ site_name }}.\n\nSecond paragraph.\n",
}


@pytest.fixture
def thing(settings, monkeypatch):
    """The registered kind `tests.thing`; its templates want `title` and `when`."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["APP_DIRS"] = False
    templates[0]["OPTIONS"]["loaders"] = [
        ("django.template.loaders.locmem.Loader", WORDS),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = templates
    kind = Kind("tests.thing", "Something in the tests", "action", "See it")
    monkeypatch.setitem(KINDS, kind.name, kind)
    return kind.name
