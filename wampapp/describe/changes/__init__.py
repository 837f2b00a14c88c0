"""What changes of a description break: for callers, and for subscribers."""
