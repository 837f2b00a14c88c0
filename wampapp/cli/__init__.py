"""The command line: ``wampapp COMMAND``."""
