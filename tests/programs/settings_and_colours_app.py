from wampapp import App

app = App(prefix="com.example", realm="from.the.app")


@app.register
def add(a: int, b: int) -> int:
    return a + b


if __name__ == "__main__":
    app.run()
