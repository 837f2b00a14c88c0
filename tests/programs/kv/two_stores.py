"""A service with two key/value stores."""

from wampapp import App
from wampapp.components import KV

app = App(prefix="com.shop")
kv = KV(app, store="kv.sqlite")
app.include(kv)
app.include(KV(prefix="com.other.kv", store="other.sqlite"))
