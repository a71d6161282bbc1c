"""Connects the processes of a program."""

from __future__ import annotations

import os

import jax
import numpy as np

from cornu import seeds
from cornu.core.tracebacks.api_boundary import api_boundary

__all__ = ["initialize"]

_PREFIX = "KERAS_DISTRIBUTION_"


@api_boundary
def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> None:
    """Connects the processes of a program, so that each sees the devices of all.

    Each process calls it once, before anything is computed. Arguments that are None are read from
    the environment variables `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `KERAS_DISTRIBUTION_NUM_PROCESSES`
    and `KERAS_DISTRIBUTION_PROCESS_ID`; what is missing is detected by JAX on clusters that it
    supports.

    The seed of the first process becomes that of all, so that they create equal weights.

    Args:
        job_addresses: the address of process 0, such as `"10.0.0.1:1234"`; addresses of further
            processes may follow, separated by commas.
        num_processes: the number of processes.
        process_id: the number of this process, from 0.

    Raises:
        ValueError: the number of addresses is neither 1 nor the number of processes.
    """
    job_addresses = job_addresses or os.environ.get(_PREFIX + "JOB_ADDRESSES")
    if num_processes is None and _PREFIX + "NUM_PROCESSES" in os.environ:
        num_processes = int(os.environ[_PREFIX + "NUM_PROCESSES"])
    if process_id is None and _PREFIX + "PROCESS_ID" in os.environ:
        process_id = int(os.environ[_PREFIX + "PROCESS_ID"])
    addresses = job_addresses.split(",") if job_addresses else [None]
    if len(addresses) > 1 and num_processes not in (None, len(addresses)):
        raise ValueError(
            f"initialize: job_addresses has {len(addresses)} addresses for {num_processes} "
            "processes.\nPass the address of process 0, or one address for each process."
        )
    jax.distributed.initialize(addresses[0], num_processes, process_id)
    from jax.experimental import multihost_utils

    own = np.uint32(seeds.state()["seed"])
    seeds.set_random_seed(int(multihost_utils.broadcast_one_to_all(own)))
