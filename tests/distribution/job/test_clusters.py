"""What the environment variables of clusters and launchers mean."""

import socket
import sys
import types

import pytest

from cornu.distribution.job.clusters import CLUSTERS, Member, find_member

KERAS = {
    "KERAS_DISTRIBUTION_JOB_ADDRESSES": "10.0.0.1:1234,10.0.0.2:1234",
    "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    "KERAS_DISTRIBUTION_PROCESS_ID": "0",
}
TORCHRUN = {
    "MASTER_ADDR": "node0",
    "MASTER_PORT": "29500",
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
}
OPEN_MPI_5 = {
    "PMIX_NAMESPACE": "prterun-node-7-2093@1",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_RANK": "5",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
}
WORKERS = '"worker": ["a:1", "b:2"]'

# The environment of each row of the table, and what it means.
ENVIRONMENTS = {
    "environment variables of Keras": (KERAS, Member("10.0.0.1:1234,10.0.0.2:1234", 2, 0)),
    "torchrun, PyTorchJob": (TORCHRUN, Member("node0:29500", 4, 3, 1)),
    "TF_CONFIG": (
        {"TF_CONFIG": f'{{"cluster": {{{WORKERS}}}, "task": {{"type": "worker", "index": 1}}}}'},
        Member("a:1", 2, 1),
    ),
    "Open MPI 5": (OPEN_MPI_5, Member("node-7:63263", 8, 5, 1)),
    "MPICH, Intel MPI": (
        {"PMI_RANK": "2", "PMI_SIZE": "4", "MPI_LOCALRANKID": "0"},
        Member(None, 4, 2, 0),
    ),
    "indexed Job of Kubernetes": (
        {"JOB_COMPLETION_INDEX": "3", "HOSTNAME": "train-workers-0-3"},
        Member("train-workers-0-0.train.default.svc.cluster.local:55527", None, 3),
    ),
}


@pytest.fixture(autouse=True)
def domain(monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda name: f"{name}.train.default.svc.cluster.local")


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda cluster: cluster.name)
def test_every_cluster_is_recognized(cluster, monkeypatch):
    if cluster.name == "Ray Train":
        _enter_ray(monkeypatch, rank=1, address="10.0.0.9:4444")
        assert find_member({}) == Member("10.0.0.9:4444", 2, 1)
        return
    environment, expected = ENVIRONMENTS[cluster.name]
    assert [one.name for one in CLUSTERS if one.is_present(environment)] == [cluster.name]
    assert find_member(environment) == expected


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, Member()),
        ({"JAX_COORDINATOR_ADDRESS": "a:1"}, Member("a:1")),
        # Variables of Keras precede; a pod has only its number.
        ({**TORCHRUN, **KERAS}, Member("10.0.0.1:1234,10.0.0.2:1234", 2, 0, 1)),
        (
            {"JOB_COMPLETION_INDEX": "1", "KERAS_DISTRIBUTION_NUM_PROCESSES": "4"},
            Member(None, 4, 1),
        ),
        # torchrun itself uses its port.
        ({**TORCHRUN, "TORCHELASTIC_RUN_ID": "none"}, Member("node0:29501", 4, 3, 1)),
        (
            {
                "TF_CONFIG": '{"cluster": {"chief": ["c:0"], "worker": ["a:1"]}, '
                '"task": {"type": "worker", "index": "0"}}'
            },
            Member("c:0", 2, 1),
        ),
        ({"TF_CONFIG": '{"cluster": {}, "task": {"type": "evaluator", "index": 0}}'}, Member()),
        ({**OPEN_MPI_5, "PMIX_NAMESPACE": "slurm.pmix.1.0"}, Member(None, 8, 5, 1)),
    ],
)
def test_combinations_of_variables(environment, expected):
    assert find_member(environment) == expected


@pytest.mark.parametrize(
    "environment, error",
    [
        ({"KERAS_DISTRIBUTION_PROCESS_ID": "one"}, "must be a non-negative integer"),
        ({"TF_CONFIG": "{}"}, "TF_CONFIG must be JSON"),
        ({**TORCHRUN, "WORLD_SIZE": "-1"}, "WORLD_SIZE must be a non-negative integer"),
    ],
)
def test_wrong_variables(environment, error):
    with pytest.raises(ValueError, match=error):
        find_member(environment)


def _enter_ray(monkeypatch, rank, address):
    """Replaces Ray by modules with the functions that a worker of Ray Train uses."""
    context = types.SimpleNamespace(get_world_size=lambda: 2, get_world_rank=lambda: rank)
    ray, train, collective = (types.ModuleType(name) for name in ("ray", "train", "collective"))
    collective.broadcast_from_rank_zero = lambda data: data or address
    train.get_context, train.collective = lambda: context, collective
    ray.train, ray.util = train, types.SimpleNamespace(get_node_ip_address=lambda: "10.0.0.8")
    modules = {"ray": ray, "ray.train": train, "ray.train.collective": collective}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_process_0_of_ray_chooses_the_address(monkeypatch):
    _enter_ray(monkeypatch, rank=0, address=None)
    member = find_member({})
    assert member.address.startswith("10.0.0.8:") and (member.count, member.index) == (2, 0)


def test_a_program_that_imports_ray_train_outside_of_a_job(monkeypatch):
    _enter_ray(monkeypatch, rank=0, address=None)

    def fail():
        raise RuntimeError("not in a worker")

    sys.modules["ray.train"].get_context = fail
    assert find_member({}) == Member()
