"""Programs of other projects' clients, each run by an environment of its own."""
