"""What an app offers, told to others: as AsyncAPI, as pages to read, as generated clients."""
