"""Formulas that losses and metrics share: one value per sample, from labels and predictions."""
