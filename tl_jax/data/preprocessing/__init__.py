"""Steps that are fitted on training rows: counts, quantiles, batches."""
