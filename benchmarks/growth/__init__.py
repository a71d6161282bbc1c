"""Growth: how time and memory grow with depth, width, batch, length, classes, parts and rows.

`python -m benchmarks.growth` measures each point in a process of its own, and writes
docs/growth.md and its curves; `--quick` takes fewer points and writes nothing, and
`python -m benchmarks.growth NAME ...` measures only these axes and prints their tables.
"""
