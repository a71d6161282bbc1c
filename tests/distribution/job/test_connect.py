"""What `initialize` does without a job, and with one that is known in part."""

import jax
import pytest

from cornu import distribution, seeds, utils
from tests.processes import environment_without

ONE_OF_TWO = {"num_processes": 2, "process_id": 0}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Removes the variables of a job of which the tests may be part."""
    others = ("KERAS_DISTRIBUTION_", "JAX_", "SLURM_", "OMPI_", "PMI", "MASTER_", "TF_CONFIG")
    kept = environment_without((*others, "JOB_COMPLETION", "KUBERNETES", "RANK", "WORLD_SIZE"))
    monkeypatch.setattr("os.environ", kept)
    # The other tests have computed something, which JAX does not allow before.
    monkeypatch.setattr("jax._src.xla_bridge.backends_are_initialized", lambda: False)


def test_a_program_without_a_job_stays_alone():
    distribution.initialize()
    distribution.initialize(num_processes=1)
    assert not jax.distributed.is_initialized()


@pytest.mark.parametrize(
    "arguments, error",
    [
        (ONE_OF_TWO, "known only in part: num_processes=2, process_id=0. Missing: job_addresses"),
        ({"process_id": 1}, "Missing: job_addresses, num_processes"),
        ({"job_addresses": "a:1,b:1", "num_processes": 3}, "2 addresses for 3 processes"),
        ({"job_addresses": "a:1,b:1", "process_id": 2}, "process_id must be from 0 to 1"),
        ({"job_addresses": "a", **ONE_OF_TWO}, "must contain a port"),
        ({"timeout": 0}, "timeout must be a positive number of seconds. Received: 0"),
    ],
)
def test_a_job_that_is_known_in_part(arguments, error):
    with pytest.raises(ValueError, match=error):
        distribution.initialize(**arguments)
    assert not jax.distributed.is_initialized()


@pytest.fixture
def calls(monkeypatch):
    """The arguments of JAX's function, which is not called."""
    found = []
    monkeypatch.setattr(
        "jax.distributed.initialize", lambda *a, **options: found.append((a, options))
    )
    monkeypatch.setattr("cornu.distribution.job.connect._watch", lambda timeout: None)
    monkeypatch.setattr("cornu.distribution.job.connect._started", {})
    return found


VARIABLES = {"JOB_ADDRESSES": "9.9.9.9:1", "NUM_PROCESSES": "3", "PROCESS_ID": "2"}


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("1.2.3.4:5,1.2.3.5:6", 2, 0), ("1.2.3.4:5", 2, 0)),
        (("1.2.3.4:5", 4, 3), ("1.2.3.4:5", 4, 3)),
        ((), ("9.9.9.9:1", 3, 2)),
    ],
)
def test_processes_are_connected_by_jax(arguments, expected, calls, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(f"KERAS_DISTRIBUTION_{name}", value)
    utils.set_random_seed(7)
    distribution.initialize(*arguments, timeout=30)
    ((found, options),) = calls
    assert found == expected
    # Variables of an allocation in which `cornu launch` runs must not choose devices.
    assert options["cluster_detection_method"] == "deactivate"
    assert options["heartbeat_timeout_seconds"] == 45  # after the watchdog
    assert seeds.state()["seed"] == 7


def test_jax_detects_what_is_missing(calls):
    distribution.initialize("node0:1")
    ((found, options),) = calls
    assert found == ("node0:1", None, None) and options["cluster_detection_method"] is None
