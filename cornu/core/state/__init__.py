"""Variables, and the Scope that reads, writes and differentiates them."""
