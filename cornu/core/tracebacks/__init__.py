"""Errors at the API boundary: translated, located in the user's program, with its frames only."""
