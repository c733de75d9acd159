"""Put the money of orders that were paid before there was a ledger onto it: a deposit each, and a release for the completed ones."""

from decimal import Decimal

from django.db import migrations
from django.db.models import F

from marketplace.money import round_money, to_minor

FUNDED = ["PAYMENT_CONFIRMED", "IN_PROGRESS", "SUBMITTED", "REVISION_REQUESTED", "COMPLETED"]


def open_the_ledger(apps, schema_editor):
    Order = apps.get_model("orders", "Order")
    paid = Order.objects.filter(status__in=FUNDED)
    for order in paid.filter(custody="PLATFORM").order_by("created_at").iterator():
        _post_past(apps, order)
    paid.update(funded_amount=F("expected_amount"))
    # Every running clock is looked at by the next sweep.
    Order.objects.exclude(status__in=["CANCELLED", "EXPIRED"]).update(next_clock_at=F("created_at"))


def _post_past(apps, order):
    proof = order.proofs.get(state="verified")
    price = to_minor(order.expected_amount, order.currency)
    fee = to_minor(round_money(order.expected_amount * order.escrow_fee_pct / Decimal(100), order.currency), order.currency)
    escrow = {"kind": "escrow", "order": order}
    _post(apps, order, "deposit", [({"kind": "outside"}, -price), (escrow, price)], order.confirmed_at, proof)
    if order.status == "COMPLETED":
        balance = {"kind": "balance", "user": order.freelancer}
        lines = [(escrow, -price), (balance, price - fee), ({"kind": "fees"}, fee)]
        _post(apps, order, "release", lines, order.completed_at, None)


def _post(apps, order, kind, lines, at, proof):
    transfer = apps.get_model("orders", "LedgerTransfer").objects.create(
        kind=kind, key=f"{order.pk}:opening:{kind}", currency=order.currency, order=order, proof=proof, created_at=at
    )
    for place, amount in lines:
        if amount:
            kept = place["kind"] in ("escrow", "balance")
            account, _new = apps.get_model("orders", "LedgerAccount").objects.get_or_create(
                **{"order": None, "user": None, **place}, currency=order.currency, defaults={"balance": 0 if kept else None}
            )
            apps.get_model("orders", "LedgerEntry").objects.create(transfer=transfer, account=account, amount=amount)
            if kept:
                account.balance += amount
                account.save()


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_rows_that_never_change")]
    operations = [migrations.RunPython(open_the_ledger, migrations.RunPython.noop)]
