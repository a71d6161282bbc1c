"""Plots of models: boxes and edges, their layout, and writers for SVG, PNG, HTML and dot."""
