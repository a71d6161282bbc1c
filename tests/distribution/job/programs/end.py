"""Joins a job and ends; prints the threads that are left when Python ends them."""

import atexit
import threading

# Registered before all others, this function runs after them.
atexit.register(lambda: print("threads:", sorted(one.name for one in threading.enumerate())))

import cornu as keras  # noqa: E402

keras.distribution.initialize()
