from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reviews.services import publish_due_reviews


class Command(BaseCommand):
    help = "Publish the reviews whose time to write is over: the same sweep the background worker makes every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        published = publish_due_reviews(now=timezone.now())
        if options["verbosity"]:
            self.stdout.write(f"{published} published")
