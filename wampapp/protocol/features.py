"""The features that a client announces in HELLO ("Feature Announcement")."""

from __future__ import annotations

from typing import Any, Final

#: In the ``authextra`` of HELLO, the name of the app whose session it is.
APP: Final = "app"
#: In the details of WELCOME, what the embedded router says to the first session of a realm: some
#: of the other realms that have sessions.
OTHER_REALMS: Final = "x_wampapp_realms"
#: What the procedures are called by which apps tell what they offer. Each adds something of its
#: own, for several are in a realm; whose it is, the router's meta API says.
DESCRIBE: Final = "wampapp.describe."
#: What begins the URI of the procedure by which an app says whether it is well.
HEALTH: Final = "wampapp.health."

#: The client's roles and their features: `roles` in the details of HELLO.
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
            "call_reroute": True,
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
        "features": {
            "publisher_identification": True,
            "pattern_based_subscription": True,
            "subscription_revocation": True,
        }
    },
}
