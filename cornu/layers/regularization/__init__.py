"""Regularization layers: dropout, noise and activity regularization."""
