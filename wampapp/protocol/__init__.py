"""WAMP as data: messages, serializers, URIs, credentials. No loop, no socket."""
