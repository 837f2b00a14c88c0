"""Procedures that are played by their description, in tests."""
