from marketplace.sweep import SweepCommand
from messaging.services.digests import send_digests


class Command(SweepCommand):
    help = "Write to people about messages they have not read: the same sweep the background worker makes every minute."
    sweep = staticmethod(send_digests)
    done = "conversations told"
