"""Fuzzing of the readers: millions of mutated files, each read in a process with limits.

`targets.TARGETS` lists what is read, `worker` runs numbered inputs in processes with limits of time
and memory, `report` writes `benchmarks/fuzzing.md`. An input is a function of the name of its
target and of its number, so every failure can be repeated.
"""
