"""Table of clusters, and how their environment describes a process of a job.

JAX itself detects SLURM, Open MPI 4, Kubernetes (with the package `kubernetes`) and Cloud TPU. The
rows here are those that it lacks; they precede it.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["CLUSTERS", "Cluster", "Member", "find_member"]

Environment = Mapping[str, str]

# The last of the ports that systems give to programs; JAX chooses from the same range.
_PORTS = (65535 - 2**12 + 1, 2**12)
_DEFAULT_PORT = 55527  # that of JAX in Kubernetes
_PRTE = re.compile(r"(?:prterun|prte)-(?P<host>.+)-\d+@\d+")
_POD = re.compile(r"(?P<job>.+)-\d+")


@dataclass(frozen=True)
class Member:
    """What a process is in its job. What is None must be passed to `initialize`.

    Attributes:
        address: the address of process 0 with its port.
        count: the number of processes.
        index: the number of this process.
        local_index: its number among those on the same machine, if each has one device.
    """

    address: str | None = None
    count: int | None = None
    index: int | None = None
    local_index: int | None = None

    def or_else(self, other: Member) -> Member:
        """Returns this member, with what it lacks from another one."""
        return Member(
            other.address if self.address is None else self.address,
            other.count if self.count is None else self.count,
            other.index if self.index is None else self.index,
            other.local_index if self.local_index is None else self.local_index,
        )

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of the job."""
        return self.address is None and self.count is None and self.index is None


class Cluster(NamedTuple):
    """A kind of cluster or launcher.

    Attributes:
        name: its name.
        is_present: whether this process runs in it, given the environment variables.
        describe: returns what this process is in its job.
    """

    name: str
    is_present: Callable[[Environment], bool]
    describe: Callable[[Environment], Member]


def find_member(environment: Environment) -> Member:
    """Returns what a process is in its job, according to its environment variables.

    The variables of Keras and `JAX_COORDINATOR_ADDRESS` precede those of clusters.

    Example:

    >>> find_member(
    ...     {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "node0", "MASTER_PORT": "29500"}
    ... )
    Member(address='node0:29500', count=4, index=1, local_index=None)
    """
    found = Member()
    for cluster in CLUSTERS:
        if cluster.is_present(environment):
            found = found.or_else(cluster.describe(environment))
    return found


def _has(*names: str) -> Callable[[Environment], bool]:
    return lambda environment: all(environment.get(name) for name in names)


def _integer(environment: Environment, name: str) -> int | None:
    """Returns an integer from an environment variable, or None if it is not set.

    Raises:
        ValueError: it is not a number.
    """
    text = environment.get(name)
    if not text:
        return None
    if not text.strip().isdecimal():
        raise ValueError(
            f"The environment variable {name} must be a non-negative integer. Received: {text!r}"
        )
    return int(text)


def _port(key: str) -> int:
    """Returns a port that all processes of a job compute from its name."""
    first, count = _PORTS
    return first + zlib.crc32(key.encode()) % count


# -------------------------------------------------------------------------------------- the rows


def _keras(environment: Environment) -> Member:
    addresses = environment.get("KERAS_DISTRIBUTION_JOB_ADDRESSES")
    return Member(
        addresses or environment.get("JAX_COORDINATOR_ADDRESS"),
        _integer(environment, "KERAS_DISTRIBUTION_NUM_PROCESSES"),
        _integer(environment, "KERAS_DISTRIBUTION_PROCESS_ID"),
    )


def _is_keras(environment: Environment) -> bool:
    return not _keras(environment).is_unknown


def _torchrun(environment: Environment) -> Member:
    address = environment["MASTER_ADDR"]
    # torchrun itself listens at the port.
    is_torchrun = "TORCHELASTIC_RUN_ID" in environment
    port = int(environment["MASTER_PORT"]) + is_torchrun
    return Member(
        f"{address}:{port}",
        _integer(environment, "WORLD_SIZE"),
        _integer(environment, "RANK"),
        _integer(environment, "LOCAL_RANK"),
    )


def _tf_config(environment: Environment) -> Member:
    try:
        config = json.loads(environment["TF_CONFIG"])
        cluster, task = config["cluster"], config["task"]
        groups = [group for group in ("chief", "master", "worker") if group in cluster]
        addresses = [(group, i, a) for group in groups for i, a in enumerate(cluster[group])]
        own = [k for k, (group, i, _) in enumerate(addresses) if (group, i) == _task(task)]
        return Member(addresses[0][2], len(addresses), own[0])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            "The environment variable TF_CONFIG must be JSON with the addresses of the workers and "
            'the task of this process, such as {"cluster": {"worker": ["10.0.0.1:1234", '
            '"10.0.0.2:1234"]}, "task": {"type": "worker", "index": 0}}. '
            f"Received: {environment['TF_CONFIG']!r}"
        ) from error


def _task(task: Any) -> tuple[str, int]:
    return str(task["type"]), int(task["index"])


def _is_tf_worker(environment: Environment) -> bool:
    # Evaluators and parameter servers are not part of the training.
    config = environment.get("TF_CONFIG", "")
    return bool(config) and '"evaluator"' not in config and '"ps"' not in config


def _open_mpi_5(environment: Environment) -> Member:
    name = environment["PMIX_NAMESPACE"]
    match = _PRTE.fullmatch(name)
    return Member(
        None if match is None else f"{match['host']}:{_port(name)}",
        _integer(environment, "OMPI_COMM_WORLD_SIZE"),
        _integer(environment, "OMPI_COMM_WORLD_RANK"),
        _integer(environment, "OMPI_COMM_WORLD_LOCAL_RANK"),
    )


def _pmi(environment: Environment) -> Member:
    return Member(
        None,
        _integer(environment, "PMI_SIZE"),
        _integer(environment, "PMI_RANK"),
        _integer(environment, "MPI_LOCALRANKID"),
    )


def _indexed_job(environment: Environment) -> Member:
    """Returns the member of an indexed Job of Kubernetes, whose pods have numbered host names."""
    address = None
    match = _POD.fullmatch(environment.get("HOSTNAME", ""))
    if match is not None:
        # The name with the domain of the pods, if the Job has a headless service.
        domain = socket.getfqdn(match[0]).removeprefix(match[0])
        address = f"{match['job']}-0{domain}:{_DEFAULT_PORT}"
    return Member(address, None, _integer(environment, "JOB_COMPLETION_INDEX"))


def _is_in_ray(environment: Environment) -> bool:
    # Only a program that has imported Ray Train can be one of its workers.
    ray = sys.modules.get("ray.train")
    if ray is None:
        return False
    try:
        ray.get_context().get_world_size()
    except Exception:  # Ray's errors differ between its versions
        return False
    return True


def _ray(environment: Environment) -> Member:
    import ray
    import ray.train
    import ray.train.collective

    context = ray.train.get_context()
    index = context.get_world_rank()
    address = None
    if index == 0:
        with socket.socket() as found:
            found.bind(("", 0))
            address = f"{ray.util.get_node_ip_address()}:{found.getsockname()[1]}"
    address = ray.train.collective.broadcast_from_rank_zero(address)
    return Member(address, context.get_world_size(), index)


# All rows that are present are used; the first ones precede. Kubernetes sets only the number of
# the process, and its count must come from elsewhere.
CLUSTERS = (
    Cluster("environment variables of Keras", _is_keras, _keras),
    Cluster(
        "torchrun, PyTorchJob", _has("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE"), _torchrun
    ),
    Cluster("TF_CONFIG", _is_tf_worker, _tf_config),
    Cluster("Ray Train", _is_in_ray, _ray),
    Cluster("Open MPI 5", _has("PMIX_NAMESPACE", "OMPI_COMM_WORLD_RANK"), _open_mpi_5),
    Cluster("MPICH, Intel MPI", _has("PMI_RANK", "PMI_SIZE"), _pmi),
    Cluster("indexed Job of Kubernetes", _has("JOB_COMPLETION_INDEX"), _indexed_job),
)
