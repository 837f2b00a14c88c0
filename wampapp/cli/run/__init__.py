"""``wampapp run`` and ``wampapp router``: services and routers in the foreground."""
