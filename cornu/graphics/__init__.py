"""SVG documents and charts."""
