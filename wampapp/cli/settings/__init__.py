"""``wampapp settings``: look after live settings."""
