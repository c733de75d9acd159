"""The kinds of things people are told. Each app registers its own when its `notifications` module is imported."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Mail(StrEnum):
    OPTIONAL = "optional"  # unless the person has switched it off
    ALWAYS = "always"  # for their safety
    NEVER = "never"  # on the site alone


@dataclass(frozen=True)
class Kind:
    """One row of an app's `notifications` table.

    `name` is `<app>.<event>` and finds the words in `templates/<app>/email/<event>.{subject.txt,txt}`; `label` names it on the
    settings page; `severity` is one of Notification.Severity; `action` is what the mail's button says; kinds only moderators get
    are `for_staff`; `mail` says whether it also comes by mail.
    """

    name: str
    label: "str | _StrPromise"
    severity: str
    action: "str | _StrPromise"
    for_staff: bool = False
    mail: Mail = Mail.OPTIONAL


KINDS: dict[str, Kind] = {}
GROUPS: "dict[str | _StrPromise, list[Kind]]" = {}


def register(group: "str | _StrPromise", *kinds: Kind) -> None:
    """Make these kinds known; they stand together under `group` on the settings page."""
    GROUPS.setdefault(group, []).extend(kinds)
    for kind in kinds:
        KINDS[kind.name] = kind
