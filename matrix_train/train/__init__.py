"""Training: the loop from the first step to the last checkpoint, what a step costs, and validation videos on the way."""
