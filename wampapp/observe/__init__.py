"""What can be observed of a running service: its log."""
