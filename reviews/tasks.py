"""What the background worker does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from reviews.services import publish_due_reviews


@db_periodic_task(crontab())
def publish_reviews_every_minute() -> None:
    publish_due_reviews(now=timezone.now())
