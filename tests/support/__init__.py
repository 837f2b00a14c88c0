"""What the tests share: foreign WAMP peers that run as processes of their own."""
