"""Single cells without labels: read, filtered, brought to the genes and the scale of bulk lines."""
