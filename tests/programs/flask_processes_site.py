import os

from flask import Flask, g, jsonify

from wampapp import Invocation
from wampapp.flask import WAMP

app = Flask(__name__)
app.config.from_prefixed_env()
wamp = WAMP(app)
parent = os.getppid()


@app.route("/")
def index():
    return "here"


@app.route("/who")
def who():
    caller = g.wamp.procedure(".who", disclose_me=True)()
    return jsonify(process=os.getpid(), session=caller)


@app.route("/say/<text>")
def say(text):
    return str(g.wamp.publish(".news", text))


@wamp.register
def version() -> str:
    return "first"


@wamp.register
def process() -> int:
    return os.getpid()


@wamp.register
def who(invocation: Invocation):
    return invocation.caller


@wamp.subscribe(".news")
def news(text: str):
    g.wamp.publish(".heard", text, os.getpid())
