"""Layer: variables, call signatures, and what happens around a call."""
