"""What is looked at in a cohort before any training."""
