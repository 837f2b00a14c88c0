"""The commands of the component kv."""
