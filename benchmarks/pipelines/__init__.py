"""The same input pipelines, written with each library.

A module of a library has PIPELINES: for each task, a function of the folder of the files that
returns a function, which returns an iterable over the batches of one epoch.
"""
