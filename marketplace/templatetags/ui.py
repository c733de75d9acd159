"""Tags and filters of the design system: money, icons, and small lookups its components need."""

from collections.abc import Iterator
from decimal import Decimal

from django import template
from django.core.paginator import Page
from django.forms.boundfield import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from marketplace.money import format_money

register = template.Library()

TONE_ICONS = {"info": "info", "wait": "clock", "ok": "check", "problem": "alert"}
MESSAGE_TONES = {"success": "ok", "warning": "wait", "error": "problem", "info": "info"}
FILE_ICONS = {"image": "image", "link": "link"}


@register.simple_tag(name="money")
def money_tag(amount: Decimal | str | None, currency: str) -> str:
    """`{% money order.price order.currency %}`: an amount that no direction of text can turn around."""
    if amount is None or amount == "":
        return ""
    return format_html('<bdi class="money">{}</bdi>', format_money(Decimal(amount), currency))


@register.filter(name="money")
def money_filter(amount: Decimal | str | None, currency: str) -> str:
    return money_tag(amount, currency)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """`{% icon "bell" %}`: decoration, hidden from screen readers; the words stand beside it."""
    return format_html(
        '<svg class="icon icon--{}{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        name,
        f" {extra}" if extra else "",
        static("img/icons.svg"),
        name,
    )


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "info")


@register.filter
def message_tone(level_tag: str) -> str:
    return MESSAGE_TONES.get(level_tag, "neutral")


@register.filter
def file_icon(kind: str) -> str:
    return FILE_ICONS.get(kind, "file")


@register.filter
def filesize_short(size: int | str | None) -> str:
    """Bytes as people say them: `512 B`, `3 kB`, `1.4 MB`."""
    if not isinstance(size, int):  # a variable that the template did not give
        return ""
    if size < 1000:
        return gettext("%(size)d B") % {"size": size}
    if size < 999_500:
        return gettext("%(size)d kB") % {"size": round(size / 1000)}
    return gettext("%(size).1f MB") % {"size": size / 1_000_000}


@register.filter
def rating_words(value: Decimal | float | None, count: int | None) -> str:
    """The rating as a screen reader says it."""
    if value is None:
        return gettext("No reviews yet")
    stars = gettext("%(value).1f out of 5 stars") % {"value": value}
    if not count:
        return stars
    reviews = ngettext("%(count)d review", "%(count)d reviews", count) % {"count": count}
    return f"{stars}, {reviews}"


@register.filter
def stars(value: Decimal | float | None) -> list[str]:
    """Five of "full", "half", "empty" for a rating, rounded to the nearest half."""
    halves = round(float(value or 0) * 2)
    return ["full" if halves >= 2 * n else "half" if halves == 2 * n - 1 else "empty" for n in range(1, 6)]


@register.filter
def page_numbers(page: Page) -> Iterator[int | str]:
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)


@register.filter
def widget_attr(field: BoundField, name: str) -> str:
    return str(field.field.widget.attrs.get(name, ""))
