"""The features of a peer that the router asks for ("Feature Announcement"). Sans-I/O."""

from __future__ import annotations

from typing import Any, Final

KNOWN: Final = (
    ("callee", "call_canceling"),
    ("callee", "call_reroute"),
    ("callee", "payload_passthru_mode"),
    ("callee", "progressive_call_invocations"),
    ("callee", "progressive_call_results"),
    ("callee", "registration_revocation"),
    ("caller", "payload_passthru_mode"),
    ("caller", "progressive_call_invocations"),
    ("subscriber", "subscription_revocation"),
)


def known_features(roles: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """Return which of the known features the roles of a HELLO announce.

    Only these are kept: a peer may announce any number of things.
    """
    return frozenset((role, feature) for role, feature in KNOWN if _announces(roles, role, feature))


def _announces(roles: dict[str, Any], role: str, feature: str) -> bool:
    announced = roles.get(role)
    features = announced.get("features") if isinstance(announced, dict) else None
    return isinstance(features, dict) and features.get(feature) is True
