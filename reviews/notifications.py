"""What people are told about reviews. The words stand in `templates/reviews/email/`."""

from django.utils.translation import gettext_lazy as _

from messaging.events import Kind, register

INVITED = "reviews.invited"
RECEIVED = "reviews.received"
REPLIED = "reviews.replied"

register(
    _("Reviews"),
    Kind(INVITED, _("Someone has reviewed me and waits for my review"), "action", _("Write my review")),
    Kind(RECEIVED, _("A review of me is published"), "info", _("Read it")),
    Kind(REPLIED, _("Someone replies to my review"), "info", _("Read it")),
)
