from marketplace.sweep import SweepCommand
from messaging.services import discard_loose_files


class Command(SweepCommand):
    help = "Delete files that no message holds any more: the same sweep the background worker makes every hour."
    sweep = staticmethod(discard_loose_files)
    done = "discarded"
