from marketplace.sweep import SweepCommand
from messaging.services.old_news import discard_old_news


class Command(SweepCommand):
    help = "Delete what was told a month ago and is over: the same sweep the background worker makes every hour."
    sweep = staticmethod(discard_old_news)
    done = "discarded"
