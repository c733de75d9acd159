from accounts.selectors.access import (
    find_by_verified_email,
    find_key,
    find_signed_in,
    list_auth_sessions,
    list_keys,
    stamp_of,
)
from accounts.selectors.people import (
    find_active,
    get_initial_owner,
    get_person,
    get_person_by_id,
    has_needed_factor,
    is_last_administrator,
    list_people,
    with_handle,
    with_verified_email,
)

__all__ = [
    "find_active",
    "find_by_verified_email",
    "find_key",
    "find_signed_in",
    "get_initial_owner",
    "get_person",
    "get_person_by_id",
    "has_needed_factor",
    "is_last_administrator",
    "list_auth_sessions",
    "list_keys",
    "list_people",
    "stamp_of",
    "with_handle",
    "with_verified_email",
]
