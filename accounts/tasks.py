"""What the background worker does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from accounts.services import discard_old_access


@db_periodic_task(crontab(minute="53"))
def discard_old_access_every_hour() -> None:
    discard_old_access(now=timezone.now())
