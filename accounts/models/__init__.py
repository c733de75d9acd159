from accounts.models.access import ApiKey, AuthSession, EmailCode, KeptAnswer, RefreshToken, Scope
from accounts.models.user import (
    HANDLE_PATTERN,
    User,
    UserManager,
    UserStats,
    known_time_zones,
    validate_handle,
    validate_time_zone,
)

__all__ = [
    "HANDLE_PATTERN",
    "ApiKey",
    "AuthSession",
    "EmailCode",
    "KeptAnswer",
    "RefreshToken",
    "Scope",
    "User",
    "UserManager",
    "UserStats",
    "known_time_zones",
    "validate_handle",
    "validate_time_zone",
]
