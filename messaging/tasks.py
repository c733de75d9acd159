"""What the background worker does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from messaging.services import send_due_mail


@db_periodic_task(crontab())
def send_mail_every_minute() -> None:
    send_due_mail(now=timezone.now())
