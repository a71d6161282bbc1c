"""What layers are made with: initializers, activations, regularizers, constraints, formulas."""
