from marketplace.sweep import SweepCommand
from orders.services.receipts import issue_receipts


class Command(SweepCommand):
    help = "Number the receipts of confirmed payments: the same sweep the background worker makes every minute."
    sweep = staticmethod(issue_receipts)
    done = "issued"
