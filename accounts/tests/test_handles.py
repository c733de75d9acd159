import re

import pytest

from accounts.handles import candidates, handle_base, is_reserved
from accounts.models import HANDLE_PATTERN


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("Amara Okafor", "amara-okafor"),
        ("José Ñíguez", "jose-niguez"),
        ("Ingrid Bø", "ingrid-bo"),
        ("Łukasz Weiß", "lukasz-weiss"),
        ("O'Brien--Smith_Jr.", "obrien-smith-jr"),
        ("x" * 120, "x" * 23),
    ],
)
def test_a_handle_is_the_name_in_small_ascii_letters(name, handle):
    assert handle_base(name) == handle
    assert re.match(HANDLE_PATTERN, handle)


@pytest.mark.parametrize("name", ["李伟", "Li", "", "Admin", "---", "Sup-Port", "Админ"])
def test_a_name_that_gives_no_usable_handle_gives_none(name):
    assert handle_base(name) == ""


@pytest.mark.parametrize("handle", ["admin", "Admin", "admin-1", "2-support", "settings", "handsel"])
def test_names_of_the_site_are_reserved(handle):
    assert is_reserved(handle)


@pytest.mark.parametrize("name", ["Amara Okafor", "李伟", "Li", "x" * 120, "Admin"])
def test_every_candidate_is_a_valid_handle_and_none_is_reserved(name):
    handles = list(candidates(name, set()))
    assert len(handles) >= 5
    assert [h for h in handles if not re.match(HANDLE_PATTERN, h) or is_reserved(h)] == []


def test_taken_handles_are_passed_over():
    assert next(candidates("Amara Okafor", {"amara-okafor", "amara-okafor-2"})) == "amara-okafor-3"
