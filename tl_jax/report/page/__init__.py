"""The report as one HTML page: one section a file."""
