"""What someone was told, and which mail they want."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.models import User
from messaging.events import GROUPS, KINDS, Kind, Mail
from messaging.models import MailOptOut, Notification

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_signer = Signer(salt="messaging.unsubscribe")


@dataclass(frozen=True)
class Subscription:
    """One kind of mail to one person."""

    user: User
    kind: str
    is_on: bool

    @property
    def label(self) -> str:
        return str(KINDS[self.kind].label) if self.kind in KINDS else self.kind


def list_notifications(user: User) -> QuerySet[Notification]:
    """The person's notifications, newest first."""
    return Notification.objects.filter(user=user).order_by("-id")


def get_notification_for(user: User, notification_id: int) -> Notification:
    """One of the person's own notifications; Http404 otherwise."""
    return get_object_or_404(list_notifications(user), pk=notification_id)


def mail_of(kind: str) -> Mail:
    """Whether this kind comes by mail; of a kind that is gone, what is still to be sent is sent."""
    return KINDS[kind].mail if kind in KINDS else Mail.OPTIONAL


def wants_mail(user: User, kind: str) -> bool:
    """Whether mail of this kind goes to the person: they are active and have not opted out of it."""
    return list_wanted_mail([(user, kind)])[0]


def list_wanted_mail(people: list[tuple[User, str]]) -> list[bool]:
    """The same for each person and kind, in one query."""
    kinds = {kind for _user, kind in people if mail_of(kind) == Mail.OPTIONAL}
    refused = set(
        MailOptOut.objects.filter(user__in=[user for user, _kind in people], kind__in=kinds).values_list("user", "kind")
    )
    return [user.is_active and mail_of(kind) != Mail.NEVER and (user.pk, kind) not in refused for user, kind in people]


def list_kinds_for(user: User) -> "dict[str | _StrPromise, list[Kind]]":
    """The kinds the person may choose among, by the group they stand in, in the order they were registered."""
    offered = {
        group: [kind for kind in kinds if kind.mail == Mail.OPTIONAL and (user.is_staff or not kind.for_staff)]
        for group, kinds in GROUPS.items()
    }
    return {group: kinds for group, kinds in offered.items() if kinds}


def list_refused_kinds(user: User) -> set[str]:
    """Names of the kinds the person gets no mail of."""
    return set(MailOptOut.objects.filter(user=user).values_list("kind", flat=True))


def unsubscribe_url_for(user: User, kind: str) -> str:
    """The absolute address that stops mail of this kind; it works without signing in and does not expire."""
    token = _signer.sign_object([str(user.pk), kind])
    return f"{settings.SITE_URL}{reverse('messaging:unsubscribe', args=[token])}"


def get_subscription(token: str) -> Subscription:
    """What the token of an unsubscribe address stands for; Http404 when it is not one of ours."""
    try:
        user_id, kind = _signer.unsign_object(token)
    except BadSignature as forged:
        raise Http404 from forged
    user = get_object_or_404(User, pk=user_id)
    return Subscription(user, kind, is_on=not MailOptOut.objects.filter(user=user, kind=kind).exists())
