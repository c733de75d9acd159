"""The kinds of things people are told. Each app registers its own when its `notifications` module is imported."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Kind:
    """One row of an app's `notifications` table.

    `name` is `<app>.<event>` and finds the words in `templates/<app>/email/<event>.{subject.txt,txt,html}`; `label` names it on
    the settings page; `severity` is one of Notification.Severity; kinds only moderators get are `for_staff`.
    """

    name: str
    label: "str | _StrPromise"
    severity: str
    for_staff: bool = False


KINDS: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    for kind in kinds:
        KINDS[kind.name] = kind
