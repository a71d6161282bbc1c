"""Searches for hyperparameters of training: learning rate and batch size."""
