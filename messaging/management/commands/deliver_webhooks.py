from marketplace.sweep import SweepCommand
from messaging.services.deliveries import deliver_in_turn


class Command(SweepCommand):
    help = "Tell webhooks what waits for them: the same sweep the background worker makes every minute."
    sweep = staticmethod(deliver_in_turn)
    done = "taken"
