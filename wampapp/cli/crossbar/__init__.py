"""``wampapp crossbar``: a node of Crossbar.io for production, with a safe configuration."""
