from accounts.services import discard_old_access
from marketplace.sweep import SweepCommand


class Command(SweepCommand):
    help = "Delete sign-ins of programs that ended a month ago and kept answers: the same sweep the worker makes every hour."
    sweep = staticmethod(discard_old_access)
    done = "discarded"
