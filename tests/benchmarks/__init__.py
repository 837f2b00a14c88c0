"""How fast wampapp is, compared with others: `python -m tests.benchmarks`."""
