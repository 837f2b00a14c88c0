"""``wampapp search``: ask indexes, and build them anew."""
