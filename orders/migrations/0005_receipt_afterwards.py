from django.db import migrations, models


class Migration(migrations.Migration):
    """A proof may be handed in without a receipt, which comes afterwards."""

    dependencies = [("orders", "0004_open_the_ledger")]

    operations = [
        migrations.RemoveConstraint(model_name="paymentproof", name="orders_paymentproof_shown"),
        migrations.AddConstraint(
            model_name="paymentproof",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("receipt", ""), ("receipt_sha256", "")),
                    models.Q(models.Q(("receipt", ""), _negated=True), models.Q(("receipt_sha256", ""), _negated=True)),
                    _connector="OR",
                ),
                name="orders_paymentproof_receipt_whole",
            ),
        ),
    ]
