"""Links that carry messages as plain lists: Autobahn's WebSocket and RawSocket made lean."""

from wampapp.transport.factories import (
    client_factory,
    rawsocket_server_factory,
    websocket_server_factory,
)
from wampapp.transport.reasons import TLS_FAILED, reason_text, tls_fault
from wampapp.transport.websocket import WebSocketServer

__all__ = [
    "TLS_FAILED",
    "WebSocketServer",
    "client_factory",
    "rawsocket_server_factory",
    "reason_text",
    "tls_fault",
    "websocket_server_factory",
]
