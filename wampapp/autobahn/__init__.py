"""Sessions and components of Autobahn's, run as they are: over our links, by our runner."""
