"""The commands of the component settings."""
