from wampapp import App, CallResult, WampError

app = App(prefix="com.cli")


@app.register
def echo(*args, **kwargs):
    return CallResult(*args, **kwargs)


@app.register
def one(value):
    return value


@app.register
def refuse():
    raise WampError("com.cli.refused", "not today", 7, code=3)


@app.register
def crash():
    raise RuntimeError("the secret")
