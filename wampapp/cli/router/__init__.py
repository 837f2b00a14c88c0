"""``wampapp router``: the router by itself, its file, and the secrets in it."""
