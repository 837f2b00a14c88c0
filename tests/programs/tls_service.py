from wampapp import App

app = App(prefix="com.tls", handshake_timeout=20)


@app.register
def add(a: int, b: int) -> int:
    return a + b
