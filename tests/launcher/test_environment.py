"""The environment of the processes of a job, and which devices each of them gets."""

import pytest

from cornu.launcher.environment import Settings, count_gpus, free_address, process_environment

JOB = Settings(4, "127.0.0.1:1234", 60.0)


def test_each_process_has_its_own_number():
    found = process_environment(2, JOB, {"HOME": "/home/me"}, gpus=0)
    assert found == {
        "HOME": "/home/me",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": "127.0.0.1:1234",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "4",
        "KERAS_DISTRIBUTION_PROCESS_ID": "2",
        "CORNU_TIMEOUT": "60.0",
        "PYTHONUNBUFFERED": "1",
        "JAX_NUM_CPU_DEVICES": "1",
    }


@pytest.mark.parametrize(
    "devices, gpus, index, expected",
    [
        (None, 8, 0, {"JAX_LOCAL_DEVICE_IDS": "0,1"}),
        (None, 8, 3, {"JAX_LOCAL_DEVICE_IDS": "6,7"}),
        (1, 8, 3, {"JAX_LOCAL_DEVICE_IDS": "3"}),
        (3, 0, 3, {"JAX_NUM_CPU_DEVICES": "3"}),
    ],
)
def test_devices_are_divided(devices, gpus, index, expected):
    settings = Settings(4, "127.0.0.1:1234", 60.0, devices)
    found = process_environment(index, settings, {}, gpus)
    assert {name: x for name, x in found.items() if name.startswith("JAX_")} == expected


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, 2),
        ({"JAX_PLATFORMS": "cpu"}, 0),
        ({"JAX_PLATFORMS": "cuda,cpu"}, 2),
        ({"CUDA_VISIBLE_DEVICES": "1"}, 1),
        ({"CUDA_VISIBLE_DEVICES": ""}, 0),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, 0),
        ({"CUDA_VISIBLE_DEVICES": "GPU-8932f937,GPU-1"}, 2),
    ],
)
def test_gpus_are_counted_without_jax(environment, expected, tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert count_gpus(environment, tmp_path) == expected


def test_an_address_is_free():
    host, port = free_address().split(":")
    assert host == "127.0.0.1" and 1024 <= int(port) < 65536
