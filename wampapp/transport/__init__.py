"""Links to a peer: over the network with Autobahn's protocols, or inside the process."""
