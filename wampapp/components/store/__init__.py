"""What components keep their data in: a SQLite file, PostgreSQL, or the memory of a test."""

from wampapp.components.store.opening import make_store
from wampapp.components.store.store import Store, Transaction

__all__ = ["Store", "Transaction", "make_store"]
