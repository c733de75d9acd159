"""What the background worker does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from messaging.services import discard_loose_files, send_due_mail
from messaging.services.deliveries import deliver_in_turn
from messaging.services.digests import send_digests
from messaging.services.old_news import discard_old_news


@db_periodic_task(crontab())
def send_mail_every_minute() -> None:
    send_due_mail(now=timezone.now())


@db_periodic_task(crontab())
def send_digests_every_minute() -> None:
    send_digests(now=timezone.now())


@db_periodic_task(crontab())
def deliver_webhooks_every_minute() -> None:
    deliver_in_turn(now=timezone.now())


@db_periodic_task(crontab(minute="23"))
def discard_loose_files_every_hour() -> None:
    discard_loose_files(now=timezone.now())


@db_periodic_task(crontab(minute="43"))
def discard_old_news_every_hour() -> None:
    discard_old_news(now=timezone.now())
