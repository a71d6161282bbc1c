"""The programs of the gallery, their notebooks and pages."""
