"""The only writer of how people want to be reached when they are away."""

from datetime import time

from django.db import transaction

from accounts.models import User
from messaging.models import ContactSettings
from messaging.presence import hide


@transaction.atomic
def choose_contact(*, actor: User, shows_presence: bool, quiet_from: time | None, quiet_until: time | None) -> None:
    """Keep whether others see that the person is online, and the times of day (in their zone) between which no digest comes."""
    chosen = {"shows_presence": shows_presence, "quiet_from": quiet_from, "quiet_until": quiet_until}
    ContactSettings.objects.update_or_create(user=actor, defaults=chosen)
    if not shows_presence:
        hide(actor.pk)
