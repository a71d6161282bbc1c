"""What `compile` configures: the outputs of a model with their losses and metrics."""
