"""Tables as they stand in files: text, sheets, archives, pickles of tensors; cells turned into numbers."""
