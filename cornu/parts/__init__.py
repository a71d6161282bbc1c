"""Components of layers, losses and metrics: initializers, activations, regularizers and others."""
