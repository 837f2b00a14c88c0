"""The router in the box: messages in, messages out, with no sockets and no clock."""
