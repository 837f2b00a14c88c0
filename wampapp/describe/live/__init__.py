"""What is joined to a realm, and what it says of itself."""
