import wampapp

app = wampapp.App(prefix="com.real")


@app.register
def add(a: int, b: int) -> int:
    return a + b


def test_both_transports(wamp_router):
    for url in (wamp_router.url, wamp_router.ws_url):
        with wampapp.connect(url, wamp_router.realm) as client:
            client.register("com.real.add", lambda a, b: a + b)
            assert client.call("com.real.add", 2, 3) == 5


def test_the_router_is_the_same(wamp_router, wamp_url):
    assert wamp_url == wamp_router.url
    with wampapp.connect(wamp_url) as one, wampapp.connect(wamp_url) as other:
        one.register("com.real.five", lambda: 5)
        assert other.call("com.real.five") == 5


def test_a_test_client_beside_it(wamp_router):
    with app.test_client() as client:
        assert client.call("com.real.add", 2, 3) == 5
