"""Programs of StableHLO, with their weights and a description of their inputs and outputs."""
