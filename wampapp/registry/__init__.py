"""What an app offers: frozen records and the registry that holds them. No network."""
