"""Errors at the API boundary: where the user's program caused them, in the user's terms."""
