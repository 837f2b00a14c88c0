"""An app or a router, running in this process."""
