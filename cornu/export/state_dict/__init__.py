"""Weights of torch: names and layouts of state_dicts, out of a model and into one."""
