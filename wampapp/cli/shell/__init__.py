"""``wampapp shell``: a Python prompt that has joined a router."""
