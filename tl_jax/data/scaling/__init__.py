"""Units, scalers of expression and of the response."""
