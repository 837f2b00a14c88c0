"""``wampapp kv``: look after a key/value store."""
