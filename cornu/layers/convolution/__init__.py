"""Convolution layers: regular, transposed, depthwise and separable."""
