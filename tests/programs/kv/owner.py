"""Owns a key/value store, and does nothing else."""

from wampapp import App
from wampapp.components import KV

app = App(prefix="com.mill")
app.include(KV(app))
