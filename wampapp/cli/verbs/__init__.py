"""The verbs of the command line: call, publish, subscribe and register."""
