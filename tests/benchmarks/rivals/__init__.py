"""Programs that use other projects' clients, run in an environment of their own."""
