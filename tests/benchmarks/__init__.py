"""How fast wampapp is beside others: `python -m tests.benchmarks`."""
