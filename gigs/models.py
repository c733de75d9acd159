"""What is for sale."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from marketplace.money import CURRENCY_CHOICES, price_field

IMAGE_WIDTHS = (400, 800, 1600)  # pixels
MAX_IMAGES = 6
MAX_CHOICES = 20
MAX_REQUIREMENTS = 10
MAX_DESCRIPTION = 10_000  # characters


class Category(models.Model):
    """A place on the shelf: a top category, or one below it."""

    name = models.CharField(_("name"), max_length=60)
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", limit_choices_to={"parent": None}
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    escrow_fee_pct = models.DecimalField(
        _("fee in percent"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text=_("The site's part of the price, from 0 to 100. Empty: as in the category above, else as on the whole site."),
    )

    shelf: "list[Category]"  # those below a top category, where list_categories() read them

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(parent__isnull=True) | ~models.Q(parent=models.F("id")), name="gigs_category_not_own_parent"
            ),
            models.CheckConstraint(condition=models.Q(escrow_fee_pct__range=(0, 100)), name="gigs_category_fee_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.parent.name} › {self.name}" if self.parent else self.name

    def clean(self) -> None:
        """Two levels, never three."""
        if self.parent and self.parent.parent_id:
            raise ValidationError({"parent": _("Choose a top category: a category below another holds no further ones.")})
        if self.parent and self.pk and self.children.exists():
            raise ValidationError({"parent": _("This category holds others, so it stays at the top. Move those first.")})
        if self.parent and self.parent.gigs.exists():
            raise ValidationError({"parent": _("Gigs stand in that category itself. Move them into one below it first.")})


class Gig(models.Model):
    """An offer. Paused (`is_active=False`) or archived it cannot be ordered; it is never deleted once it was."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    freelancer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="gigs")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="gigs")
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), max_length=MAX_DESCRIPTION)
    price = price_field(verbose_name=_("price"))
    currency = models.CharField(_("currency"), max_length=5, choices=CURRENCY_CHOICES)
    delivery_days = models.PositiveSmallIntegerField(
        _("delivery days"), validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    revisions_included = models.PositiveSmallIntegerField(_("revisions included"), default=1, validators=[MaxValueValidator(20)])
    auto_approve_days = models.PositiveSmallIntegerField(
        _("days to check a delivery"), default=7, validators=[MinValueValidator(3), MaxValueValidator(14)]
    )
    is_active = models.BooleanField(_("active"), default=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    paused_by_staff_at = models.DateTimeField(_("paused by a moderator"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("gig")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["category", "-created_at"], name="gigs_gig_category_newest", condition=models.Q(is_active=True)),
            models.Index(fields=["-created_at", "-id"], name="gigs_gig_newest", condition=models.Q(is_active=True)),
            models.Index(fields=["currency", "price", "id"], name="gigs_gig_price", condition=models.Q(is_active=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gt=0), name="gigs_gig_price_positive"),
            models.CheckConstraint(condition=models.Q(delivery_days__range=(1, 365)), name="gigs_gig_delivery_days"),
            models.CheckConstraint(condition=models.Q(auto_approve_days__range=(3, 14)), name="gigs_gig_auto_approve_days"),
            models.CheckConstraint(
                condition=models.Q(archived_at__isnull=True) | models.Q(is_active=False), name="gigs_gig_archived_is_inactive"
            ),
            models.CheckConstraint(
                condition=models.Q(paused_by_staff_at__isnull=True) | models.Q(is_active=False),
                name="gigs_gig_paused_by_staff_is_inactive",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("gig", args=[self.id])

    @property
    def state(self) -> str:
        """`active`, `paused` or `archived`."""
        return "archived" if self.archived_at else "active" if self.is_active else "paused"

    @property
    def cover(self) -> "GigImage | None":
        return next(iter(self.images.all()), None)


class GigStats(models.Model):
    """Counters of a gig, in a narrow row of their own so that a review does not rewrite the wide one."""

    gig = models.OneToOneField(Gig, on_delete=models.CASCADE, primary_key=True, related_name="stats")
    orders_completed = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("counters of gigs")

    def __str__(self) -> str:
        return f"{self.gig_id}: {self.rating_count}"

    @property
    def rating(self) -> float | None:
        """Mean rating, 1 to 5; None before the first review."""
        return self.rating_sum / self.rating_count if self.rating_count else None


class GigImage(models.Model):
    """One picture of a gig as WebP in the widths of IMAGE_WIDTHS; `name` is the random stem the files share."""

    gig = models.ForeignKey(Gig, on_delete=models.CASCADE, related_name="images")
    name = models.CharField(max_length=32, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    width = models.PositiveIntegerField()  # pixels of the widest file
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("gig image")
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=models.Q(width__gt=0, height__gt=0), name="gigs_gigimage_has_size")]

    def __str__(self) -> str:
        return self.name

    def path(self, width: int) -> str:
        """Where the file for one of IMAGE_WIDTHS lies in the store; a small original makes it narrower than its name says."""
        return f"gigs/{self.name}-{width}.webp"

    @property
    def paths(self) -> list[str]:
        return [self.path(width) for width in IMAGE_WIDTHS]

    @property
    def url(self) -> str:
        return default_storage.url(self.path(IMAGE_WIDTHS[1]))

    @property
    def thumbnail_url(self) -> str:
        return default_storage.url(self.path(IMAGE_WIDTHS[0]))

    @property
    def full_url(self) -> str:
        return default_storage.url(self.path(IMAGE_WIDTHS[-1]))

    @property
    def srcset(self) -> str:
        """The files with their true widths, each width once."""
        true_widths = {min(width, self.width): width for width in reversed(IMAGE_WIDTHS)}
        return ", ".join(f"{default_storage.url(self.path(name))} {true}w" for true, name in sorted(true_widths.items()))


class Requirement(models.Model):
    """A question the client answers when ordering: free text, or one of the choices."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        CHOICE = "choice", _("Choice")

    gig = models.ForeignKey(Gig, on_delete=models.CASCADE, related_name="requirements")
    position = models.PositiveSmallIntegerField(default=0)
    question = models.CharField(_("question"), max_length=300)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.TEXT)
    choices = models.JSONField(_("choices"), default=list, blank=True)  # list of strings
    is_required = models.BooleanField(_("required"), default=True)

    class Meta:
        verbose_name = _("requirement")
        ordering = ["position", "id"]
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=["text", "choice"]), name="gigs_requirement_kind")]

    def __str__(self) -> str:
        return self.question
