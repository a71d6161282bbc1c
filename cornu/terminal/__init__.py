"""Output to the terminal: a line that is updated in place, and a progress bar."""
