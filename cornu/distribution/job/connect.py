"""initialize: connects the processes of a job."""

from __future__ import annotations

import os
import random
import zlib

import jax
import numpy as np

# No public function of JAX gives access to the store that the processes share.
from jax._src import distributed
from jax.experimental import multihost_utils

from cornu import seeds
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.deviations import is_enabled
from cornu.distribution.job.clusters import Member, find_member
from cornu.distribution.job.ending import Ending
from cornu.distribution.job.watchdog import Watchdog
from cornu.process import job
from cornu.process.progress import progress

__all__ = ["initialize", "set_exit_status"]

_TIMEOUT = 60.0
# Machines of a cluster start at different times; with the default limit, as long as JAX waits.
_STARTS = 5
# JAX's errors do not say which process was the cause, so that the watchdog comes first.
_AFTER_WATCHDOG = 1.5
_NO_CLUSTER = "coordinator_address should be defined"


@api_boundary
def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    timeout: float | None = None,
) -> None:
    """Connects the processes of a job, so that each sees the devices of all.

    Each process calls it once, before anything is computed. Arguments that are None are read from
    the environment variables `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `KERAS_DISTRIBUTION_NUM_PROCESSES`
    and `KERAS_DISTRIBUTION_PROCESS_ID`, or found in the environment of the cluster: SLURM, Open
    MPI, Kubernetes, Cloud TPU (as JAX does), torchrun, `TF_CONFIG`, Ray Train. `python -m cornu
    launch` sets the variables, and calls this function. A process that is not part of a job stays
    alone, so that the same program runs on one machine.

    The random seeds of process 0 become those of all, also of Python and NumPy, so that all
    processes create equal weights and read data in the same order.

    A process that ends with an error ends the whole job at once; one that is killed, stopped or
    hung ends it within the time limit, with an error that names it.

    Args:
        job_addresses: the address of process 0, such as `"10.0.0.1:1234"`; addresses of further
            processes may follow, separated by commas.
        num_processes: the number of processes.
        process_id: the number of this process, from 0.
        timeout: seconds after which a lost or hung process ends the job; by default the
            environment variable `CORNU_TIMEOUT`, or 60.

    Raises:
        ValueError: what is known of the job is not complete, or contradicts itself.
        RuntimeError: JAX has already computed something.

    Extensions: without arguments and outside of a job, nothing happens; Keras raises an error.
    `timeout`.
    """
    if timeout is None:
        timeout = float(os.environ.get("CORNU_TIMEOUT") or _TIMEOUT)
    if not timeout > 0:
        raise ValueError(
            f"initialize: timeout must be a positive number of seconds. Received: {timeout}"
        )
    if not jax.distributed.is_initialized():
        given = Member(job_addresses, num_processes, process_id)
        member = _checked(given.or_else(find_member(os.environ)))
        if not _connect(member, timeout):
            return
    _share_seeds()
    if "watchdog" not in _started and is_enabled("job_watchdog"):
        _started["watchdog"] = _watch(timeout)


# The threads and hooks of this process, which are started once.
_started: dict[str, Ending] = {}


def set_exit_status(status: int) -> None:
    """Sets the exit status of a program that ends with `sys.exit`."""
    for ending in _started.values():
        ending.set_status(status)


def _checked(member: Member) -> Member:
    """Returns a member with one address.

    Raises:
        ValueError: the numbers do not fit.
    """
    address, count, index = member.address, member.count, member.index
    addresses = address.split(",") if address else [None]
    if len(addresses) > 1 and count not in (None, len(addresses)):
        raise ValueError(
            f"initialize: job_addresses has {len(addresses)} addresses for {count} processes.\n"
            "Pass the address of process 0, or one address for each process."
        )
    count = len(addresses) if len(addresses) > 1 else count
    if index is not None and count is not None and not 0 <= index < count:
        raise ValueError(
            f"initialize: process_id must be from 0 to {count - 1}, as there are {count} "
            f"processes. Received: {index}"
        )
    if addresses[0] is not None and ":" not in addresses[0]:
        raise ValueError(
            "initialize: job_addresses must contain a port, such as '10.0.0.1:1234'. "
            f"Received: {addresses[0]!r}"
        )
    return Member(addresses[0], count, index, member.local_index)


def _connect(member: Member, timeout: float) -> bool:
    """Connects this process; returns whether it is part of a job."""
    address, count, index = member.address, member.count, member.index
    known = None not in (address, count, index)
    if count == 1 and address is None:
        return False
    # JAX would catch SIGTERM, and a process could not be ended by it.
    if is_enabled("sigterm_ends_jobs"):
        jax.config.update("jax_enable_preemption_service", False)
    devices = None if member.local_index is None else [member.local_index]
    try:
        jax.distributed.initialize(
            address,
            count,
            index,
            local_device_ids=devices if known else None,
            cluster_detection_method="deactivate" if known else None,
            initialization_timeout=int(_STARTS * timeout),
            heartbeat_timeout_seconds=max(1, int(_AFTER_WATCHDOG * timeout)),
        )
    except ValueError as error:
        if not member.is_unknown:
            raise _incomplete(member) from error
        if _NO_CLUSTER not in str(error):
            raise
        return False
    return True


def _incomplete(member: Member) -> ValueError:
    values = {
        "job_addresses": member.address,
        "num_processes": member.count,
        "process_id": member.index,
    }
    missing = ", ".join(name for name, value in values.items() if value is None)
    known = ", ".join(f"{name}={value!r}" for name, value in values.items() if value is not None)
    return ValueError(
        f"initialize: the job of this process is known only in part: {known}. Missing: {missing}."
        "\nPass the missing arguments, or set KERAS_DISTRIBUTION_JOB_ADDRESSES, "
        "KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID."
    )


def _share_seeds() -> None:
    """Makes the random seeds of process 0 those of all processes.

    The generators of Python and NumPy are left alone if the program has seeded them.
    """
    own = seeds.state()
    numpy_state = zlib.crc32(np.random.get_state()[1].tobytes())  # type: ignore[index]
    python_state = zlib.crc32(repr(random.getstate()).encode())
    row = np.array([own["seed"], own["count"], numpy_state, python_state], np.uint32)
    rows = multihost_utils.process_allgather(row).reshape(-1, len(row))
    seed = int(rows[0, 0])
    seeds.set_state({"seed": seed, "count": int(rows[0, 1])})
    numpy_differs, python_differs = (rows[:, 2:] != rows[0, 2:]).any(axis=0)
    if numpy_differs:
        np.random.seed(seed)
    if python_differs:
        random.seed(seed)


def _watch(timeout: float) -> Ending:
    index, count = jax.process_index(), jax.process_count()
    ending = Ending(index, lambda error: watchdog.report_error(error), lambda: watchdog.finish())
    store = distributed.global_state.client
    assert store is not None  # the processes are connected
    job.set_barrier(store.wait_at_barrier)
    watchdog = Watchdog(store, index, count, timeout, progress, ending.give_up)
    ending.install()
    watchdog.start()
    return ending
