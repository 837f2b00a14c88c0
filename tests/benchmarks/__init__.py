"""How fast wampapp is, beside stock Autobahn on Crossbar.io: `python -m tests.benchmarks`."""
