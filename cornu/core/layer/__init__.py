"""Layer: Variables, call signatures, and the steps before and after a call."""
