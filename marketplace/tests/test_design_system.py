"""The rules of the design system: what templates and stylesheets may say, and that every component is shown and works."""

import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.template.base import Lexer, TokenType
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory

from marketplace import views
from marketplace.context_processors import site
from marketplace.styleguide import ICONS, SampleForm, sample_forms
from marketplace.templatetags.ui import filesize_short, message_tone, money_tag, rating_words, stars

pytestmark = pytest.mark.once

TEMPLATES = settings.BASE_DIR / "templates"
STATIC = settings.BASE_DIR / "static"
TEMPLATE_FILES = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "email" not in path.parts)
COMPONENTS = sorted((TEMPLATES / "components").glob("*.html"))
STYLESHEETS = sorted((STATIC / "css").rglob("*.css"))
SHEETS_OF_PAGES = sorted((STATIC / "css/pages").glob("*.css"))
RENDERERS = {"form.html", "field.html"}  # Django's form renderer includes these
PLAIN_TAG = re.compile(r"\{% include \"components/[^%]*%\}")
CODE = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right|top|bottom)|left|right|top|bottom"
    r"|width|height|(?:min|max)-(?:width|height)|border-(?:top|bottom)-(?:left|right)-radius)[\w-]*\s*:"
    r"|(?:text-align|float|clear)\s*:\s*(?:left|right)"
)
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*;)|\b(?:rgb|hsl|oklch)a?\(")
TONES = ["neutral", "info", "wait", "ok", "problem"]


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(settings.BASE_DIR)) for path in paths]


def render(source: str, **context: object) -> str:
    return engines["django"].from_string("{% load ui %}" + source).render(context)


class Page(HTMLParser):
    """The ids of a page, and what refers to them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.labels: set[str] = set()
        self.controls: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        for name in ("aria-describedby", "aria-labelledby"):
            self.references.update((given.get(name) or "").split())
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            self.controls.append(given.get("id") or "")


# --- What templates and stylesheets may say --------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_a_template_carries_no_inline_style_or_script(path: Path) -> None:
    source = CODE.sub("", path.read_text())
    assert re.findall(r"<style\b|\sstyle=|javascript:|\son[a-z]+=[\"']|<script\b(?![^>]*\bsrc=)", source) == []


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_a_component_sees_only_what_it_is_given(path: Path) -> None:
    source = CODE.sub("", path.read_text())
    assert [tag for tag in PLAIN_TAG.findall(source) if not tag.endswith(" only %}")] == []


def never_rendered(source: str) -> list[str]:
    """What stands outside the blocks of a template that extends another: Django drops it and says nothing."""
    tokens = [token for token in Lexer(CODE.sub("", source)).tokenize() if token.contents.strip()]
    if not any(token.token_type == TokenType.BLOCK and token.split_contents()[0] == "extends" for token in tokens):
        return []
    dropped, depth = [], 0
    for token in tokens:
        tag = token.split_contents()[0] if token.token_type == TokenType.BLOCK else ""
        depth -= tag == "endblock"
        if depth == 0 and tag not in ("extends", "load", "block", "endblock"):
            dropped.append(token.contents)
        depth += tag == "block"
    return dropped


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=ids(TEMPLATE_FILES))
def test_nothing_stands_outside_the_blocks_of_a_child_template(path: Path) -> None:
    assert never_rendered(path.read_text()) == []


@pytest.mark.parametrize(
    "planted", ['{% url "home" as home %}', "{% with a=1 %}{% block b %}{% endblock %}{% endwith %}", "{{ a }}", "<p>"]
)
def test_the_rule_on_blocks_catches_a_breach(planted: str) -> None:
    head = '{% extends "base.html" %}{% load i18n %}{# why #}'
    assert never_rendered(f"{head}{planted}{{% block main %}}{{% url 'home' as home %}}{{% endblock %}}") != []
    assert never_rendered(planted) == never_rendered(f"{head}{{% block main %}}{planted}{{% endblock %}}") == []


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_an_icon_that_a_template_names_exists(path: Path) -> None:
    named = re.findall(r"\{% icon \"([\w-]+)\"|\bicon=\"([\w-]+)\"", path.read_text())
    assert {first or second for first, second in named} - set(ICONS.split()) == set()


@pytest.mark.parametrize("path", STYLESHEETS, ids=ids(STYLESHEETS))
def test_a_stylesheet_uses_logical_properties_only(path: Path) -> None:
    source = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", path.read_text(), flags=re.DOTALL)
    assert PHYSICAL.findall(source) == []


@pytest.mark.parametrize(
    "planted", ["margin-left: 1px", "a{left: 0}", "text-align: right", "border-top-left-radius: 2px", "width: 3em"]
)
def test_the_rule_on_logical_properties_catches_a_breach(planted: str) -> None:
    assert PHYSICAL.search(planted)


@pytest.mark.parametrize("path", [p for p in STYLESHEETS if p.stem not in ("tokens", "admin")], ids=lambda path: path.stem)
def test_colours_stand_among_the_tokens_only(path: Path) -> None:
    assert COLOUR.findall(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)) == []


@pytest.mark.parametrize("path", STYLESHEETS, ids=ids(STYLESHEETS))
def test_a_stylesheet_says_nothing_that_phones_of_2022_misread(path: Path) -> None:
    source = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert re.findall(r"light-dark\(|\((?:width|height) ?[<>=]|^\s+&", source, flags=re.MULTILINE) == []


def classes_of(*sheets: Path) -> set[str]:
    source = re.sub(r"/\*.*?\*/|\d\.\d", "", "".join(path.read_text() for path in sheets), flags=re.DOTALL)
    return set(re.findall(r"\.([a-zA-Z][\w-]*)", source))


def whole(name: str) -> str:
    """A template with everything it extends and includes by name."""
    seen: dict[str, str] = {}
    queue = [name]
    while queue:
        if (now := queue.pop()) not in seen:
            seen[now] = Path(get_template(now).origin.name).read_text()  # type: ignore[attr-defined]
            queue += re.findall(r"\{% (?:extends|include) \"([^\"]+)\"", seen[now])
    return "\n".join(seen.values())


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_a_page_loads_the_stylesheet_of_every_class_it_uses(path: Path) -> None:
    source = whole(str(path.relative_to(TEMPLATES)))
    if "<html" not in source or "admin" in path.parts:
        return  # a fragment: seen in its pages
    used = set(re.findall(r"[a-zA-Z][\w-]*", " ".join(re.findall(r'class="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"', source))))
    common = classes_of(*(sheet for sheet in STYLESHEETS if sheet not in SHEETS_OF_PAGES))
    needed = {sheet.stem for sheet in SHEETS_OF_PAGES if used & (classes_of(sheet) - common)}
    assert needed - set(re.findall(r"css/pages/(\w+)\.css", source)) == set()


def test_the_style_guide_lists_every_icon_of_the_sheet() -> None:
    assert ICONS.split() == re.findall(r'<symbol id="([\w-]+)"', (STATIC / "img/icons.svg").read_text())


@pytest.mark.parametrize("path", COMPONENTS, ids=ids(COMPONENTS))
def test_a_component_says_what_it_is_and_takes(path: Path) -> None:
    assert path.read_text().startswith("{# ")


def test_every_component_is_shown_in_the_style_guide() -> None:
    shelf = {path.name for path in COMPONENTS}
    seen = {*RENDERERS}
    queue = [TEMPLATES / "base.html", *(TEMPLATES / "marketplace/styleguide").glob("*.html")]
    while queue:
        included = set(re.findall(r"\"components/([\w-]+\.html)\"", queue.pop().read_text()))
        queue += [TEMPLATES / "components" / name for name in included - seen]
        seen |= included
    seen |= {"field_notes.html"}
    assert shelf - seen == set()


# --- Contrast: every pair of tokens that ever meet, in both schemes --------------------------------------------------


def tokens() -> dict[str, tuple[str, str]]:
    return {
        name: (light, dark)
        for name, light, dark in re.findall(
            r"--([\w-]+): var\(--if-light, (#[0-9a-f]{6})\) var\(--if-dark, (#[0-9a-f]{6})\)",
            (STATIC / "css/tokens.css").read_text(),
        )
    }


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "ink-soft") for ground in ("paper", "surface", "sunken", "accent-soft")],
    *[(ink, ground) for ink in ("accent", "accent-strong") for ground in ("paper", "surface", "sunken", "accent-soft")],
    *[
        ("danger", "paper"),
        ("danger", "surface"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("on-danger", "danger"),
    ],
    *[(f"{tone}-fg", ground) for tone in TONES for ground in (f"{tone}-bg", "paper", "surface")],
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_is_readable(ink: str, ground: str, scheme: int) -> None:
    palette = tokens()
    assert contrast(palette[ink][scheme], palette[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
@pytest.mark.parametrize("line", ["line-strong", "accent", "star"])
def test_the_edge_of_a_control_is_visible(line: str, ground: str, scheme: int) -> None:
    palette = tokens()
    assert contrast(palette[line][scheme], palette[ground][scheme]) >= 3


# --- Pages -----------------------------------------------------------------------------------------------------------


def test_the_style_guide_exists_in_debug_only(settings: pytest.FixtureRequest, client: Client, db: None) -> None:
    settings.DEBUG = False  # type: ignore[attr-defined]
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True  # type: ignore[attr-defined]
    assert client.get("/styleguide/").status_code == 200


def test_the_style_guide_has_no_double_ids_and_no_dangling_references(rf: RequestFactory, db: None) -> None:
    page = Page(render_to_string("marketplace/styleguide.html", views.sample_context(), request=rf.get("/styleguide/")))
    assert [name for name, times in Counter(page.ids).items() if times > 1] == []
    assert page.references - set(page.ids) == set()
    assert set(page.controls) - page.labels == set()


def test_the_front_page_explains_itself_before_there_are_gigs(client: Client, db: None) -> None:
    page = client.get("/").content.decode()
    assert "How an order goes" in page
    assert "No gigs yet" in page


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "429", "500", "503"])
def test_an_error_page_needs_nothing_and_offers_a_way_on(code: str) -> None:
    page = render_to_string(f"{code}.html")
    assert "<h1>" in page
    assert "Go to the front page" in page


def test_the_broken_site_answers_without_database_session_or_user(rf: RequestFactory) -> None:
    response = views.server_error(rf.get("/"))
    assert response.status_code == 500
    assert settings.SITE_NAME in response.content.decode()


def test_a_request_that_cannot_be_read_is_answered_without_a_user(rf: RequestFactory) -> None:
    response = views.bad_request(rf.get("/"), ValueError("no"))
    assert response.status_code == 400
    assert settings.SITE_NAME in response.content.decode()


def test_the_name_of_the_site_is_never_spelled_in_a_template() -> None:
    assert [str(path) for path in TEMPLATES.rglob("*") if path.is_file() and "handsel" in path.read_text().lower()] == []


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("", ""), ('"><script>', "")])
def test_the_chosen_colours_come_from_the_cookie_if_they_are_known(rf: RequestFactory, cookie: str, theme: str) -> None:
    request = rf.get("/")
    request.COOKIES["theme"] = cookie
    assert site(request)["theme"] == theme


def test_the_page_is_painted_in_the_chosen_colours_at_once(client: Client, db: None) -> None:
    assert "data-theme" not in client.get("/").content.decode()[:200]
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/").content.decode()[:200]


# --- Forms -----------------------------------------------------------------------------------------------------------


def test_a_field_points_at_its_help_and_errors_once() -> None:
    html = str(sample_forms()["wrong_form"]["name"].as_field_group())
    page = Page(html)
    assert page.references == {"id_wrong-name_helptext", "id_wrong-name_error"}
    assert sorted(page.ids) == ["id_wrong-name", "id_wrong-name_error", "id_wrong-name_helptext"]
    assert 'aria-invalid="true"' in html


def test_choices_are_a_group_with_a_name_help_and_errors() -> None:
    html = str(sample_forms()["wrong_form"]["method"].as_field_group())
    assert '<fieldset aria-describedby="id_wrong-method_helptext id_wrong-method_error">' in html
    assert "<legend>How you pay</legend>" in html


def test_an_optional_field_says_so_and_a_required_one_does_not() -> None:
    form = SampleForm()
    assert "(optional)" in form["message"].as_field_group()
    assert "(optional)" not in form["name"].as_field_group()
    assert "(optional)" not in form["fixed"].as_field_group()


def test_an_amount_shows_its_currency_and_says_it() -> None:
    html = SampleForm()["amount"].as_field_group()
    assert '<span class="field__suffix" aria-hidden="true">EUR</span>' in html
    assert '<span class="visually-hidden"> (EUR)</span>' in html


def test_the_summary_of_errors_links_to_each_field_and_takes_the_focus() -> None:
    form = SampleForm({"name": "Ada"})
    form.keeps_focus = False
    html = str(form)
    assert 'id="form-errors" role="alert" tabindex="-1" autofocus' in html
    assert '<a href="#id_email">E-mail</a>: This field is required.' in html
    assert '<a href="#id_method">How you pay</a>' in html
    assert 'id="id_method"' in html


def test_what_a_person_typed_is_shown_again_as_text() -> None:
    html = SampleForm({"name": "<script>alert(1)</script>"})["name"].as_field_group()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- Tags ------------------------------------------------------------------------------------------------------------


def test_money_stands_in_a_bdi_and_nothing_is_shown_for_no_amount() -> None:
    assert money_tag(Decimal("1234.5"), "EUR") == '<bdi class="money">1,234.50\u00a0EUR</bdi>'
    assert money_tag(None, "EUR") == ""
    assert render('{{ amount|money:"JPY" }}', amount=Decimal(7)) == '<bdi class="money">7\u00a0JPY</bdi>'


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (48_213, "48 kB"),
        (2_481_213, "2.5 MB"),
        (999_999, "1.0 MB"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_file_size_is_short(size: int | None, words: str) -> None:
    assert filesize_short(size) == words


@pytest.mark.parametrize(
    ("value", "halves"),
    [
        (None, ["empty"] * 5),
        (Decimal("4.6"), ["full"] * 4 + ["half"]),
        (4.8, ["full"] * 5),
        (1, ["full", *["empty"] * 4]),
    ],
)
def test_stars_are_rounded_to_halves(value: Decimal | float | None, halves: list[str]) -> None:
    assert stars(value) == halves


def test_a_rating_is_read_out_in_words() -> None:
    assert rating_words(Decimal("4.6"), 12) == "4.6 out of 5 stars, 12 reviews"
    assert rating_words(5, 1) == "5.0 out of 5 stars, 1 review"
    assert rating_words(None, 0) == "No reviews yet"


@pytest.mark.parametrize(
    ("level", "tone"), [("success", "ok"), ("error", "problem"), ("warning", "wait"), ("info", "info"), ("x", "neutral")]
)
def test_a_message_has_the_tone_of_its_level(level: str, tone: str) -> None:
    assert message_tone(level) == tone


def test_an_icon_is_decoration() -> None:
    assert render('{% icon "bell" %}') == (
        '<svg class="icon icon--bell" aria-hidden="true" focusable="false"><use href="/static/img/icons.svg#bell"></use></svg>'
    )


@pytest.mark.parametrize(
    ("turn", "words"),
    [("you", "Your turn"), ("platform", "Waiting for a moderator"), ("nobody", "Nothing to do"), ("them", "Waiting for")],
)
def test_what_happens_next_says_whose_turn_it_is(turn: str, words: str) -> None:
    html = render_to_string(
        "components/next.html", {"turn": turn, "headline": "Pay <now>", "who": "A & B", "if_nobody": "Nothing"}
    )
    assert words in html
    assert "Pay &lt;now&gt;" in html
    assert "If nobody acts" in html
    assert ("A &amp; B" in html) == (turn == "them")
