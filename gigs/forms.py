"""What people type about gigs, and what they look for."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from gigs.models import IMAGE_WIDTHS, MAX_CHOICES, MAX_DESCRIPTION, MAX_IMAGES, MAX_REQUIREMENTS, Category, Gig, Requirement
from gigs.selectors import Filters, find_category
from marketplace.forms import ACCEPT_PICTURES, AmountField, CheckedFilesField, LineField, MultipleFileInput, TextField
from marketplace.money import CURRENCIES, MINOR_UNITS, format_money
from marketplace.uploads import check_picture

NO_CURRENCY = _("Choose a currency: prices in different currencies are not compared.")
DELIVERY_CHOICES = [
    ("", _("Any time")),
    ("1", _("1 day")),
    ("3", _("3 days")),
    ("7", _("a week")),
    ("14", _("two weeks")),
    ("30", _("30 days")),
]
SORT_CHOICES = [
    ("newest", _("Newest first")),
    ("rated", _("Best rated")),
    ("fastest", _("Fastest delivery")),
    ("cheapest", _("Lowest price")),
    ("dearest", _("Highest price")),
]


def currency_choices() -> list[tuple[str, str]]:
    first = settings.DEFAULT_CURRENCY
    return [(code, code) for code in [first, *(code for code in CURRENCIES if code != first)]]


class PicturesField(CheckedFilesField):
    """Several pictures; the clean value is a list of CheckedPicture."""

    default_error_messages = {
        "required": _("Choose at least one picture."),
        "too_many": _("Choose at most %(max)d pictures."),
    }

    def __init__(self, **options: Any) -> None:
        check = partial(check_picture, widths=IMAGE_WIDTHS)
        super().__init__(check=check, max_files=MAX_IMAGES, widget=MultipleFileInput(attrs=ACCEPT_PICTURES), **options)


class GigForm(forms.Form):
    """What a gig promises. Give the `categories` of list_categories()."""

    title = LineField(
        label=_("Title"), max_length=120, help_text=_("Say what people get, for example “I will draw your logo in three days”.")
    )
    category = forms.TypedChoiceField(label=_("Category"), empty_value=None)
    description = TextField(
        label=_("Description"),
        max_length=MAX_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("What is included, what is not, how you work. You can write **bold**, *italic*, - lists and ## headings."),
    )
    price = AmountField(
        label=_("Price"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("For example 1,234.50."),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    delivery_days = forms.IntegerField(label=_("Days until delivery"), min_value=1, max_value=365, initial=5)
    revisions_included = forms.IntegerField(
        label=_("Revisions included"),
        min_value=0,
        max_value=20,
        initial=1,
        help_text=_("How often the client may ask for changes."),
    )
    auto_approve_days = forms.IntegerField(
        label=_("Days to check a delivery"),
        min_value=3,
        max_value=14,
        initial=7,
        help_text=_("How long the client should take to check a delivery: 3 to 14 days."),
    )

    def __init__(self, *args: Any, categories: list[Category], **options: Any) -> None:
        super().__init__(*args, **options)
        self.leaves = {str(leaf.pk): leaf for top in categories for leaf in (top.shelf or [top])}  # type: ignore[attr-defined]
        field = self.fields["category"]
        field.choices = [("", _("Choose…")), *_grouped(categories, key="pk")]  # type: ignore[attr-defined]
        field.coerce = self.leaves.__getitem__  # type: ignore[attr-defined]
        currency = self.data.get(self.add_prefix("currency"), "")
        price = self.fields["price"]
        price.currency = currency if currency in MINOR_UNITS else settings.DEFAULT_CURRENCY  # type: ignore[attr-defined]
        price.help_text = f"{price.help_text} {self._fee_words()}"

    def clean(self) -> dict[str, Any]:
        terms = self.cleaned_data
        if terms.get("price") is not None and "currency" in terms:
            read = format_money(terms["price"], terms["currency"])
            self["price"].help_text = gettext("Read as %(amount)s.") % {"amount": read} + " " + self._fee_words()
        return terms

    def _fee_words(self) -> str:
        hold = ngettext("%(n)d day", "%(n)d days", settings.HOLD_DAYS) % {"n": settings.HOLD_DAYS}
        words = gettext(
            "When a client pays into this site’s account, it keeps %(percent)s %% of the price and pays out after a hold of at"
            " least %(hold)s; what is paid to you directly has no fee."
        ) % {"percent": f"{Decimal(settings.ESCROW_FEE_PCT).normalize():f}", "hold": hold}
        if any(leaf.escrow_fee_pct is not None for leaf in self.leaves.values()):
            words += " " + gettext("Some categories have a percentage of their own.")
        return words

    @staticmethod
    def initial_of(gig: Gig) -> dict[str, Any]:
        terms = {name: getattr(gig, name) for name in GigForm.base_fields if hasattr(gig, name)}
        amount = format_money(gig.price, gig.currency).split("\u00a0")[0]
        return {**terms, "category": gig.category_id, "price": amount, "seen_at": gig.updated_at.isoformat()}


class NewGigForm(GigForm):
    pictures = PicturesField(
        label=_("Pictures"),
        help_text=_("1 to 6 as PNG, JPEG or WebP, each up to 10 MB. The first becomes the cover. Best at 1600 × 1067 pixels."),
    )
    field_order = ["title", "category", "description", "pictures"]


class EditGigForm(GigForm):
    seen_at = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean_seen_at(self) -> datetime | None:
        try:
            return parse_datetime(self.cleaned_data["seen_at"])
        except ValueError:
            return None


class PicturesForm(forms.Form):
    pictures = PicturesField(
        label=_("Add pictures"),
        help_text=_("PNG, JPEG or WebP, each up to 10 MB. They are shown after the others."),
    )


class RequirementForm(forms.Form):
    """One question; an empty question is no question."""

    question = LineField(label=_("Question"), max_length=300, required=False)
    kind = forms.ChoiceField(label=_("Answer"), choices=Requirement.Kind.choices, initial=Requirement.Kind.TEXT)
    choices = TextField(
        label=_("Choices"),
        max_length=2500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One per line. Only for a choice."),
    )
    is_required = forms.BooleanField(label=_("Must be answered"), required=False, initial=True)

    def clean_choices(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["choices"].splitlines()]
        choices = list(dict.fromkeys(line for line in lines if line))
        if len(choices) > MAX_CHOICES:
            raise ValidationError(_("Give at most %(max)d choices."), code="too_many", params={"max": MAX_CHOICES})
        if any(len(choice) > 120 for choice in choices):
            raise ValidationError(_("Keep each choice under 120 characters."), code="too_long")
        return choices

    def clean(self) -> dict[str, Any]:
        row = self.cleaned_data
        choices = row.get("choices", [])
        if not row.get("question") and choices and "question" not in self.errors:
            self.add_error("question", _("Write the question these choices belong to, or empty them."))
        is_choice = row.get("kind") == Requirement.Kind.CHOICE
        if row.get("question") and is_choice and len(choices) < 2 and "choices" not in self.errors:
            self.add_error("choices", _("Write at least two choices, one per line."))
        return row


class BaseRequirementFormSet(forms.BaseFormSet):
    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        order = form.fields["ORDER"]
        order.label, order.required = _("Place"), False
        order.widget.attrs["min"] = 1

    def requirements(self) -> list[Requirement]:
        """Unsaved rows in their order."""
        kept = [form.cleaned_data for form in self.ordered_forms if form.cleaned_data.get("question")]
        return [
            Requirement(
                question=row["question"],
                kind=row["kind"],
                choices=row["choices"] if row["kind"] == Requirement.Kind.CHOICE else [],
                is_required=row["is_required"],
            )
            for row in kept
        ]


RequirementFormSet: type[BaseRequirementFormSet] = forms.formset_factory(  # type: ignore[assignment]
    RequirementForm,
    formset=BaseRequirementFormSet,
    extra=3,
    can_order=True,
    max_num=MAX_REQUIREMENTS,
    absolute_max=MAX_REQUIREMENTS,
    validate_max=True,
)


def requirements_initial(gig: Gig) -> list[dict[str, Any]]:
    return [
        {"question": row.question, "kind": row.kind, "choices": "\n".join(row.choices), "is_required": row.is_required}
        for row in gig.requirements.all()
    ]


class PriceLimitField(AmountField):
    """A limit for prices: nothing, or zero, is no limit."""

    def clean(self, value: Any) -> Decimal | None:
        if str(value or "").strip(" 0.,") == "":
            return None
        return super().clean(value)


class BrowseForm(forms.Form):
    """The filters of the browse page. Give the `categories` of list_categories(). Whatever is wrong is left out, and said so."""

    category = forms.ChoiceField(label=_("Category"), required=False)
    delivery = forms.TypedChoiceField(
        label=_("Delivered within"), choices=DELIVERY_CHOICES, coerce=int, empty_value=None, required=False
    )
    currency = forms.ChoiceField(
        label=_("Currency"), required=False, help_text=_("Prices compare within one currency only, so choose it first.")
    )
    price_min = PriceLimitField(label=_("Price from"), required=False)
    price_max = PriceLimitField(label=_("Price to"), required=False)
    sort = forms.ChoiceField(label=_("Sort by"), choices=SORT_CHOICES, required=False)

    def __init__(self, *args: Any, categories: list[Category], **options: Any) -> None:
        super().__init__(*args, **options)
        self.categories = categories
        self.fields["category"].choices = [("", _("All categories")), *_grouped(categories, key="slug")]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [("", _("Any currency")), *currency_choices()]  # type: ignore[attr-defined]
        currency = self.data.get("currency", "")
        for name in ("price_min", "price_max"):
            known = currency if currency in MINOR_UNITS else ""
            self.fields[name].currency = known or settings.DEFAULT_CURRENCY  # type: ignore[attr-defined]
            self.fields[name].widget.attrs.pop("data-suffix", None)
        for field in self.fields.values():
            field.error_messages["invalid_choice"] = _("This choice does not exist. It was left out.")

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if self.filters().lacks_currency and "currency" not in self.errors:
            self.add_error("currency", NO_CURRENCY)
        low, high = found.get("price_min"), found.get("price_max")
        if low and high and low > high:
            self.add_error("price_max", _("This is less than the price it starts from."))
        return found

    def chosen_category(self) -> Category | None:
        return find_category(self.categories, self.cleaned_data.get("category", ""))

    def filters(self) -> Filters:
        """What can be used of the input."""
        found = self.cleaned_data
        return Filters(
            category=self.chosen_category(),
            currency=found.get("currency") or "",
            price_min=found.get("price_min"),
            price_max=found.get("price_max"),
            delivery_days=found.get("delivery"),
            sort=found.get("sort") or "newest",
        )


def _grouped(categories: list[Category], *, key: str) -> list[tuple[str, Any]]:
    """Options of a select: a group for each top category. By slug (to look for) the whole group can be chosen too."""
    groups: list[tuple[str, Any]] = []
    for top in categories:
        own = [(top.slug, gettext("All of %(name)s") % {"name": top.name})] if key == "slug" else []
        shelf = [(str(getattr(child, key)), child.name) for child in top.shelf]  # type: ignore[attr-defined]
        if shelf:
            groups.append((top.name, own + shelf))
        else:
            groups.append((str(getattr(top, key)), top.name))
    return groups
