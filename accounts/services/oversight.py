"""What ends several programs at once, or somebody else's."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.exceptions import NotAllowed
from accounts.models import ApiKey, AuthSession, User
from accounts.selectors import list_auth_sessions
from accounts.services.access import revoke_session
from accounts.services.keys import revoke_key


@transaction.atomic
def end_programs(*, actor: User) -> None:
    """Sign all programs of the actor out. Their browsers and API keys stay."""
    for session in list_auth_sessions(actor):
        revoke_session(actor=actor, session_id=session.pk)


def end_for(*, actor: User, program: AuthSession | ApiKey) -> None:
    """End somebody's sign-in of a program or their API key, as an administrator. NotAllowed for everybody else."""
    if not actor.is_superuser:
        raise NotAllowed(_("Only administrators may end what other people's programs do."))
    if isinstance(program, ApiKey):
        revoke_key(actor=program.user, key_id=program.pk)
    else:
        revoke_session(actor=program.user, session_id=program.pk)
