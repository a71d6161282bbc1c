"""Update rules: one optimization method per file."""
