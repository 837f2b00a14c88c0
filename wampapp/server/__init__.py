"""The one port of the embedded router: RawSocket, WebSocket and a web page."""
