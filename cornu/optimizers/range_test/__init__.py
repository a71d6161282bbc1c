"""Learning rate range test: the rates, the result and its plot."""
