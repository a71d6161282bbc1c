"""The search for the origin of NaN: layer by layer, forward and backward."""
