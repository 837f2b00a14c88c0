"""Clients in Python and TypeScript, generated from a description of an app."""
