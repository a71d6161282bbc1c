"""Functions that several callbacks use."""
