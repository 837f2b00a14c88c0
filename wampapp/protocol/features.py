"""What a client says of itself in HELLO."""

from __future__ import annotations

from typing import Any, Final

#: What HELLO says of us ("Feature Announcement").
ROLES: Final[dict[str, Any]] = {
    "caller": {
        "features": {
            "progressive_call_results": True,
            "call_canceling": True,
            "caller_identification": True,
        }
    },
    "callee": {
        "features": {
            "progressive_call_results": True,
            "call_canceling": True,
            "caller_identification": True,
            "pattern_based_registration": True,
            "shared_registration": True,
            "registration_revocation": True,
        }
    },
    "publisher": {
        "features": {
            "publisher_exclusion": True,
            "publisher_identification": True,
            "subscriber_blackwhite_listing": True,
        }
    },
    "subscriber": {
        "features": {"publisher_identification": True, "pattern_based_subscription": True}
    },
}
