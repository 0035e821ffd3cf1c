"""What a trained model says about genes."""
