"""The gallery: programs in cells, the notebooks with their outputs, and their pages."""
