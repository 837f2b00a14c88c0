import wampapp


def test_it_is_crossbar(wamp_url):
    with wampapp.connect(wamp_url) as client:
        details = client._current().session.details
        assert any(name.startswith("x_cb") for name in details), details
        client.register("com.chosen.five", lambda: 5)
        assert client.call("com.chosen.five") == 5
