"""Runs a handler, whatever its kind, and gives one outcome."""
