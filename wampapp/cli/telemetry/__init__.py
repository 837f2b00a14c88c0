"""``wampapp logs``, ``stats`` and ``top``: what all services log and do."""
