"""The proof that the compiler options and formulations that cornu uses are safe.

`python -m benchmarks.safety` runs thousands of random programs as cornu compiles them, in processes
whose heap is checked, and compares values and gradients with float64 or with the plain program.
"""
