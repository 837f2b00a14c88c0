"""What an extension starts by itself: nothing."""

import sys
import threading

from flask import Flask

from wampapp.flask import WAMP

app = Flask("app")
wamp = WAMP(app)
wamp.register("com.flask.any")(lambda: None)
with app.app_context():
    pass
print(threading.active_count(), "twisted.internet.reactor" in sys.modules)
