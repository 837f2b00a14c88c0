"""An app runs in a thread of a script."""

import threading

import wampapp

app = wampapp.App(prefix="com.threaded")
joined = threading.Event()
app.on_join(joined.set)


@app.register
def ping():
    return "pong"


threading.Thread(target=app.run, daemon=True).start()
assert joined.wait(20)
print(app.sync.call(".ping"))
