"""``wampapp inspect`` and ``wampapp uris``: what a router holds, and what an app offers."""
