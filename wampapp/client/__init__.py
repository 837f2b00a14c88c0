"""What user code calls with: handles and blocking clients."""
