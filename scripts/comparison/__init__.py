"""Collects the results of all suites in docs/comparison.md, and the figures of the README."""
