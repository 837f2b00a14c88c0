"""Collects logs and numbers, and does nothing else."""

from wampapp import App
from wampapp.components import Telemetry

app = App(prefix="com.mill", name="collector")
app.include(Telemetry(app, metrics=None))
