"""Tables with nested rows, as text for terminals and as HTML for notebooks."""
