from flask import Flask

from wampapp.flask import WAMP

app = Flask(__name__)
app.config.from_prefixed_env()
wamp = WAMP(app)
