"""Runs steps in several processes until something happens to one of them; see `test_launch.py`."""

import os
import signal
import sys
import time

import jax

from cornu.process import job

MINE = jax.process_index()


def step():
    job.exchange([1.0])


def wait_forever():
    time.sleep(1e6)


def send(number):
    return lambda: os.kill(os.getpid(), number)


def raise_error():
    raise ValueError("wrong number")


# What happens -> the process to which it happens, and how.
EVENTS = {
    "error": (1, raise_error),
    "exit": (1, lambda: sys.exit(7)),
    "end": (1, lambda: sys.exit()),
    "kill": (1, send(signal.SIGKILL)),
    "hang": (1, wait_forever),
    "stop": (1, send(signal.SIGSTOP)),
    "stop the first": (0, send(signal.SIGSTOP)),
    "meet alone": (1, job.meet),
    "nothing": (1, lambda: None),
}
index, event = EVENTS[sys.argv[1]]
for _ in range(20):
    step()
print("ready", flush=True)
# This step ends only after the other process has printed its line, too.
step()
if MINE == index:
    event()
while True:
    step()
    time.sleep(0.02)
