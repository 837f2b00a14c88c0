"""The one event loop of a process, and its threads."""
