from marketplace.sweep import SweepCommand
from reviews.services import publish_due_reviews


class Command(SweepCommand):
    help = "Publish the reviews whose time to write is over: the same sweep the background worker makes every minute."
    sweep = staticmethod(publish_due_reviews)
    done = "published"
