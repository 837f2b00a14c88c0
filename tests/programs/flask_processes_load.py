import threading

from flask import Flask, g

from wampapp.flask import WAMP

app = Flask(__name__)
app.config.from_prefixed_env()
wamp = WAMP(app)
gone = threading.Event()


@app.route("/square/<int:number>")
def work(number):
    return str(g.wamp.call(".work", number))


@app.route("/hold")
def hold():
    return str(g.wamp.call(".hold"))


@wamp.register
def work(number: int) -> int:
    return number * number


@wamp.register
def hold():
    g.wamp.topic(".holding", acknowledge=False).publish()
    gone.wait()


@wamp.on_leave
def free():
    gone.set()
