"""``wampapp doctor``: why something does not connect."""
