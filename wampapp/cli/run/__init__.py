"""``wampapp run``: services in the foreground."""
