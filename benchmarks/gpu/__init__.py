"""Training on a GPU beside hand-written JAX, torch.compile and Keras on JAX.

`python -m benchmarks.gpu` takes at most four minutes and writes gpu.md. Every peer starts from the
same weights and trains on the same batches. Losses are compared before anything is timed. While a
model is compiled, the processes of all peers work at once; while it is measured, one of them does.
`--tiny` takes sizes that a CPU can compute, and writes nothing.
"""
