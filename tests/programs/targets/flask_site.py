"""A Flask site with WAMP."""

from flask import Flask

from wampapp.flask import WAMP

app = Flask(__name__)
wamp = WAMP(app)


def create_app() -> Flask:
    return app
