"""Optimizers that delegate to other optimizers or to Optax."""
