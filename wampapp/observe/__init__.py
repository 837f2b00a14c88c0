"""What a running service tells of itself: its log."""
