"""What the two sides of a finished order say about each other."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Review(models.Model):
    """One side's word about the other. Only its author sees it before `published_at`: both have written, or 14 days are over."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="reviews")
    gig = models.ForeignKey("gigs.Gig", on_delete=models.PROTECT, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_given")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_received")
    by_client = models.BooleanField()  # True: the client about the freelancer, which counts for the gig
    rating = models.PositiveSmallIntegerField(_("rating"))  # 1 to 5
    comment = models.TextField(_("comment"), max_length=2000)
    reply = models.TextField(_("reply"), max_length=2000, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    publish_at = models.DateTimeField()  # at the latest
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        ordering = ["-published_at", "-id"]
        indexes = [
            models.Index(fields=["gig", "-published_at"], name="reviews_review_of_gig"),
            models.Index(fields=["recipient", "-published_at"], name="reviews_review_of_person"),
            models.Index(fields=["publish_at"], name="reviews_review_due", condition=models.Q(published_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order", "author"], name="reviews_review_once"),
            models.UniqueConstraint(fields=["order", "by_client"], name="reviews_review_one_a_side"),
            models.CheckConstraint(condition=models.Q(rating__range=(1, 5)), name="reviews_review_rating"),
            models.CheckConstraint(condition=~models.Q(author=models.F("recipient")), name="reviews_review_not_of_oneself"),
            models.CheckConstraint(
                condition=models.Q(reply="", replied_at__isnull=True)
                | (~models.Q(reply="") & models.Q(replied_at__isnull=False)),
                name="reviews_review_reply_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5"
