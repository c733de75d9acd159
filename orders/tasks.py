"""What the background worker does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from orders.services.deadlines import process_due
from orders.services.receipts import issue_receipts
from orders.services.statement_uploads import continue_imports

ORDERS_PER_RUN = 5000  # the rest is for the next minute, so that mail gets its turn


@db_periodic_task(crontab())
def fire_clocks_every_minute() -> None:
    process_due(now=timezone.now(), limit=ORDERS_PER_RUN)
    issue_receipts(now=timezone.now())


@db_periodic_task(crontab())
def read_statements_every_minute() -> None:
    continue_imports()
