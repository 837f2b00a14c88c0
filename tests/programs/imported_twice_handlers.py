from main import app


@app.register
def add(a: int, b: int) -> int:
    return a + b
