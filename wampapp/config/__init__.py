"""What is configured, and which of several settings counts."""
