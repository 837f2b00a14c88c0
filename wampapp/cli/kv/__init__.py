"""``wampapp kv``: read, change and watch a key/value store."""
