"""The platform's own accounts; freelancers' accounts to read, and to stop when something is wrong with them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.admin.records import signed_in
from orders.method_forms import METHOD_FIELDS, PaymentMethodForm
from orders.models import PaymentMethod
from orders.services.methods import save_platform_method, set_method_active
from orders.states import Custody


class AdminMethodForm(PaymentMethodForm):
    class Meta(PaymentMethodForm.Meta):
        fields = [*METHOD_FIELDS, "is_active"]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        for field in self.fields.values():
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs.setdefault("class", "vLargeTextField")
            elif isinstance(field.widget, forms.TextInput) and not isinstance(field.widget, forms.NumberInput):
                field.widget.attrs.setdefault("class", "vTextField")


class DirectMethodForm(forms.ModelForm):
    class Meta:
        model = PaymentMethod
        fields = ["is_active"]


@admin.register(PaymentMethod)
class PaymentMethodAdmin(admin.ModelAdmin):
    """Accounts made here are the platform's (PLATFORM custody). Of a freelancer's account only `active` can be changed."""

    list_display = ["label", "kind", "currency", "custody", "owner", "account_number", "is_active"]
    list_filter = ["custody", "is_active", "kind", "currency"]
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["label", "account_holder", "account_number", "owner__email"]
    actions = None

    def get_form(self, request: HttpRequest, obj: PaymentMethod | None = None, change: bool = False, **options: object) -> type:
        direct = obj is not None and obj.custody == Custody.DIRECT
        return super().get_form(request, obj, change, **{**options, "form": DirectMethodForm if direct else AdminMethodForm})

    def get_fields(self, request: HttpRequest, obj: PaymentMethod | None = None) -> list[Any]:
        if obj is None:
            return [*METHOD_FIELDS, "is_active"]
        owner = ["owner"] if obj.custody == Custody.DIRECT else []
        return ["custody", *owner, *METHOD_FIELDS, "is_active", "created_at", "updated_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: PaymentMethod | None = None) -> list[str]:
        if obj is None:
            return []
        fixed = ["custody", "owner", "created_at", "updated_at"]
        return [*fixed, *METHOD_FIELDS] if obj.custody == Custody.DIRECT else fixed

    def save_model(self, request: HttpRequest, obj: PaymentMethod, form: forms.ModelForm, change: bool) -> None:
        if obj.custody == Custody.DIRECT:
            set_method_active(actor=signed_in(request), method=obj, active=form.cleaned_data["is_active"])
        else:
            save_platform_method(actor=signed_in(request), method=obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):  # type: ignore[no-untyped-def]
        note = _("Running orders keep the account they were promised. Changes count for new orders.")
        subtitle = {"subtitle": note} if request.method == "GET" and object_id else {}
        return super().changeform_view(request, object_id, form_url, {**subtitle, **(extra_context or {})})
