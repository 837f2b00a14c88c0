"""Services in processes of their own: ``wampapp run --reload`` and ``--workers``."""
