"""Plans of training on many devices."""
