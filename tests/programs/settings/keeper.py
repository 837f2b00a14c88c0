"""Keeps settings, and has none itself."""

from wampapp import App
from wampapp.components import Live

app = App(prefix="com.mill")
app.include(Live(app))
