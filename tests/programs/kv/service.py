"""A service with a key/value store, as the command line and the console show it."""

from wampapp import App
from wampapp.components import KV

app = App(prefix="com.shop")
kv = KV(app, store="kv.sqlite")
app.include(kv)
