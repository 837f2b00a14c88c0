"""``wampapp new``: a new project."""
