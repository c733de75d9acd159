"""The work handed over, and what the client wants changed."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.uploads import private_storage


class Delivery(models.Model):
    """One hand-over of work, numbered within its order."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="deliveries")
    number = models.PositiveSmallIntegerField()
    note = models.TextField(max_length=4000)
    links = models.JSONField(default=list, blank=True)  # list of http(s) addresses
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="orders_delivery_number")]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.number}"


class DeliveryFile(models.Model):
    """A file of a delivery, kept byte for byte and only ever offered as a download."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="files")
    file = models.FileField(upload_to="deliveries/", storage=private_storage, max_length=120)
    name = models.CharField(max_length=160)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("delivered file")
        ordering = ["name", "id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


class RevisionRequest(models.Model):
    """What the client wants changed in one delivery, item by item."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="revision_requests")
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="revision_request")
    number = models.PositiveSmallIntegerField()
    items = models.JSONField()  # list of sentences
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("revision request")
        ordering = ["number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="orders_revisionrequest_number")]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.number}"
