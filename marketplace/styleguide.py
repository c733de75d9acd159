"""Made-up data for /styleguide/: every component in every state. Shown in DEBUG only."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.core.validators import FileExtensionValidator
from django.utils import timezone

from marketplace.forms import AmountField, CheckedFilesField, LineField, TextField
from marketplace.uploads import check_attachment

LONG_NAME = "Maria-Magdalena Wolfeschlegelsteinhausenbergerdorff y Gutiérrez de la Concepción"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
ARABIC_NAME = "سارة الخطيب"
COLOURS = "paper surface sunken ink ink-soft line line-strong accent accent-soft danger star"
ICONS = (
    "bell user search plus check clock shield chat star star-half file download link copy "
    "bank phone cash coin arrow chevron chevron-down x menu sun moon alert info edit "
    "pause archive image trash lock eye qr calendar refresh mail settings out mark key"
)
METHODS = [
    ("bank", "Bank transfer, EUR, to Handwerk eG"),
    ("mobile", "Mobile money, KES"),
    ("cash", "Cash deposit at the counter of the savings bank in the station street, weekdays only"),
]


class SampleForm(forms.Form):
    keeps_focus = True  # an error summary takes the focus; here it would scroll the whole guide

    name = LineField(max_length=80, label="Payer's name", help_text="As your bank shows it.")
    email = forms.EmailField(label="E-mail")
    amount = AmountField(currency="EUR", label="Amount you sent", help_text="The exact amount is 180.00 EUR.")
    paid_at = forms.DateTimeField(label="When you paid", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    category = forms.ChoiceField(label="Category", choices=[("", "Choose one"), ("design", "Design"), ("text", LONG_WORD)])
    method = forms.ChoiceField(
        label="How you pay", choices=METHODS, widget=forms.RadioSelect, help_text="Each has its own pay window."
    )
    wanted = forms.MultipleChoiceField(
        label="What you need", choices=[("logo", "Logo"), ("cards", "Cards")], widget=forms.CheckboxSelectMultiple, required=False
    )
    message = TextField(max_length=2000, label="Message", required=False, help_text="Markdown is understood.")
    receipt = forms.FileField(
        label="Receipt", help_text="PNG, JPEG, WebP or PDF, at most 10 MB.", validators=[FileExtensionValidator(["png", "pdf"])]
    )
    attachments = CheckedFilesField(check=check_attachment, max_files=10, label="More files", required=False)
    agree = forms.BooleanField(label="I have read what happens next", help_text="You can cancel until you hand in a payment.")
    fixed = forms.CharField(label="Fixed on the order", initial="7K2M-Q4XD", disabled=True, required=False)


def sample_forms() -> dict[str, forms.Form]:
    typed = {"name": LONG_NAME + "!", "email": "nobody", "amount": "1,2,3", "method": "shell", "message": LONG_WORD}
    wrong = SampleForm({f"wrong-{field}": text for field, text in typed.items()}, prefix="wrong")
    wrong.add_error(None, "This order has moved on since you opened the page.")
    return {"form": SampleForm(prefix="fresh"), "wrong_form": wrong}


def sample_context() -> dict[str, Any]:
    now = timezone.now()
    paginator = Paginator(range(1000), 24)
    return {
        "long_name": LONG_NAME,
        "long_word": LONG_WORD,
        "arabic_name": ARABIC_NAME,
        "soon": now + timedelta(hours=3),
        "later": now + timedelta(days=6, hours=2),
        "past": now - timedelta(hours=30),
        "rating": Decimal("4.6"),
        "amount": Decimal("1234567.5"),
        "icons": ICONS.split(),
        "colours": COLOURS.split(),
        "tones": ["neutral", "info", "wait", "ok", "problem"],
        "timeline": [
            {"title": "Order placed", "who": LONG_NAME, "at": now - timedelta(days=4), "tone": "neutral"},
            {"title": "Payment handed in", "who": "Ada Client", "at": now - timedelta(days=3), "tone": "info", "href": "#next"},
            {"title": "Payment not found", "who": "Mo Derator", "at": now - timedelta(days=2), "tone": "problem",
             "text": "No transfer with this reference on the account.\nPlease check the date."},
            {"title": "Payment confirmed", "who": ARABIC_NAME, "at": now - timedelta(days=1), "tone": "ok", "text": LONG_WORD},
            {"title": "Delivery due", "at": now + timedelta(days=3), "tone": "wait"},
        ],
        "tabs": [
            {"label": "All", "href": "#tabs", "count": 1000, "current": True},
            {"label": "Your turn", "href": "#tabs", "count": 2},
            {"label": "Waiting for others", "href": "#tabs", "count": 0},
            {"label": "Finished", "href": "#tabs"},
        ],
        "crumbs": [{"label": "Orders", "href": "#breadcrumbs"}, {"label": LONG_WORD, "href": "#breadcrumbs"}, {"label": "Pay"}],
        "steps": [
            {"label": "Ordered", "state": "done"},
            {"label": "Paid", "state": "done"},
            {"label": "Checked", "state": "current"},
            {"label": "Work", "state": "todo"},
            {"label": "Approved", "state": "todo"},
        ],
        "first_page": paginator.page(1),
        "middle_page": paginator.page(17),
        **sample_forms(),
    }  # fmt: skip
