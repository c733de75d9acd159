import re

import pytest

from accounts.handles import candidates, handle_base, is_name_of_site, is_reserved
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


@pytest.mark.parametrize(
    "name",
    [
        "Handsel",
        "HANDSEL",
        "Hándsel",
        "Hand-Sel",
        "Handsel Support",
        "The Handsel Team",
        "Handsel 24",
        "H\u200da\u200dndsel",
        "admin",
        "Admin",
        "\u00c4dm\u00efn",
        "a d m i n",
        "Sup-Port",
        "Support Team",
        "Customer Support",
        "Trust & Safety Desk",
        "\u0410dmin",
        "\u0391dmin",
        "\uff21\uff44\uff4d\uff49\uff4e",
        "Moderator 7",
        "Escrow Payments",
        "\U0001d5d4dmin",
        "A\u0301\u0301dmin",
    ],
    ids=ascii,
)
def test_a_name_that_says_nothing_but_the_site_is_kept_for_it(name: str):
    assert is_name_of_site(name)


@pytest.mark.parametrize(
    "name",
    [
        *["Abdul Admin Khan", "Handsel Okafor", "Trust Moyo", "Trust", "Si Te", "Root", "Jean Press", "Frank Staff", "You Me"],
        "\u674e\u4f1f",
        "\u0410\u043d\u043d\u0430",
        "42",
        "\U0001f3a8",
        "---",
        "The Administrator\u2019s Daughter",
        "Adminson",
        "Hands El Amrani",
    ],
    ids=ascii,
)
def test_names_of_people_are_theirs(name: str):
    assert not is_name_of_site(name)


def test_a_site_of_several_words_is_known_by_all_of_them(settings):
    settings.SITE_NAME = "Blue Market"
    assert [is_name_of_site(name) for name in ("Blue Market", "bluemarket", "Support of Blue Market")] == [True] * 3
    assert [is_name_of_site(name) for name in ("Blue", "Market", "Handsel", "Ada Blue Market")] == [False] * 4


def test_a_site_without_letters_keeps_only_the_offices(settings):
    settings.SITE_NAME = "24"
    assert [is_name_of_site(name) for name in ("24", "7", "Amara", "Support 24")] == [False, False, False, True]
