"""A package without an app of its own."""
