"""Logs and numbers of all joined services, in one place."""

from wampapp.components.telemetry.instruments import Counter, Gauge, Histogram
from wampapp.components.telemetry.records import Handled, Instance, LogRecord, Stats
from wampapp.components.telemetry.telemetry import Telemetry

__all__ = [
    "Counter",
    "Gauge",
    "Handled",
    "Histogram",
    "Instance",
    "LogRecord",
    "Stats",
    "Telemetry",
]
