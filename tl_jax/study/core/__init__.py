"""What every study is made of: protocols, folds, arms, stages with their checkpoints."""
