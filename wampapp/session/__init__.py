"""A client's session with a router, and how it comes back."""
