import errno
import os
import resource
import subprocess
import sys
import warnings

import ml_dtypes
import numpy as np
import pytest

from cornu.saving import training_state as module
from cornu.saving.resume import Resume
from cornu.saving.training_state import StateFolder, TrainingState, read_state


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "w": rng.normal(size=(3, 4)).astype("float32"),
        "t": rng.normal(size=(4, 3)).T,
        "short": rng.normal(size=5).astype(ml_dtypes.bfloat16),
        "count": np.array(seed, "int32"),
        "none": np.zeros((0, 2), "uint8"),
    }


def write(folder, count, keep=3):
    states = StateFolder(folder, keep)
    for number in range(1, count + 1):
        states.write(TrainingState(number, arrays(number), {"epoch": number}))
    return states


def test_a_state_is_restored_exactly(tmp_path):
    state = write(tmp_path, 1).read_newest()
    assert (state.number, state.data, state.finished) == (1, {"epoch": 1}, False)
    for name, array in arrays(1).items():
        assert state.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(state.arrays[name], array)


def test_the_last_few_are_kept(tmp_path):
    states = write(tmp_path, 5, keep=2)
    assert [int(path.name[6:18]) for path in states.files()] == [4, 5]
    states.clear()
    assert states.files() == [] and states.read_newest() is None


def test_the_end_is_stored_next_to_the_states(tmp_path):
    states = write(tmp_path, 2)
    states.write(TrainingState(2, arrays(9), {"end": True}, finished=True))
    assert states.read_newest().data == {"epoch": 2}
    assert states.read_finished(2).data == {"end": True} and states.read_finished(2).finished
    assert states.read_finished(1) is None


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "empty":
        data = bytearray()
    elif how == "truncated":
        data = data[:-7]
    elif how == "header":
        data[20] ^= 1
    else:
        data[-1 if how == "last" else len(data) // 2] ^= 16
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["empty", "truncated", "header", "middle", "last"])
def test_a_damaged_state_is_detected_and_the_previous_one_used(tmp_path, how):
    states = write(tmp_path, 3)
    damage(states.files()[-1], how)
    with pytest.raises(ValueError, match=r"state-000000000003"):
        read_state(states.files()[-1])
    with pytest.warns(UserWarning, match="resumes from the one before it, 'state-000000000002"):
        assert states.read_newest().number == 2


@pytest.mark.parametrize("at", range(0, 100, 9))
def test_every_flipped_bit_is_detected(tmp_path, at):
    path = write(tmp_path, 1).files()[0]
    data = bytearray(path.read_bytes())
    data[len(data) * at // 100] ^= 1 << (at % 8)
    path.write_bytes(data)
    try:
        state = read_state(path)
    except ValueError:
        return
    # The padding of the header, and the names in it, mean nothing if all else is as it was.
    assert state.data == {"epoch": 1}
    for name, array in arrays(1).items():
        np.testing.assert_array_equal(state.arrays[name], array)


def test_if_all_states_are_damaged_none_is_used(tmp_path):
    states = write(tmp_path, 3)
    for path in states.files():
        damage(path, "last")
    with pytest.raises(ValueError, match=r"All states .* are damaged[\s\S]*Delete the directory"):
        states.read_newest()


def test_a_safetensors_file_of_something_else_is_no_state(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "state-000000000001.safetensors"
    save_file({"w": np.ones(2)}, path)
    with pytest.raises(ValueError, match="is not a state of training"):
        read_state(path)


def test_a_full_disk_leaves_the_states_before(tmp_path, monkeypatch):
    states = write(tmp_path, 1)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        states.write(TrainingState(2, arrays(2), {}))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["state-000000000001.safetensors"]
    assert states.read_newest().number == 1


def test_a_limit_of_the_system_is_an_os_error(tmp_path):
    states = write(tmp_path, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            states.write(TrainingState(2, {"w": np.ones(1000)}, {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["state-000000000001.safetensors"]


def test_one_process_at_a_time_and_leftovers_go(tmp_path):
    states = write(tmp_path, 1)
    left = tmp_path / ".state-000000000002.safetensors.x1.safetensors"
    left.write_bytes(b"half")
    mine = tmp_path / "notes.txt"
    mine.write_text("the user's own")
    program = (
        "import sys; from cornu.saving.training_state import StateFolder\n"
        "with StateFolder(sys.argv[1]).lock(): pass"
    )
    with states.lock():
        assert not left.exists() and mine.exists()
        other = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True)
        assert b"Another process saves its state in" in other.stderr
    with states.lock():  # and is free again
        pass


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        StateFolder(tmp_path / "file")


def test_a_write_goes_through_a_temporary_file(tmp_path, monkeypatch):
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append((a, b)), replace(a, b)))
    module.StateFolder(tmp_path).write(TrainingState(1, arrays(), {}))
    assert len(seen) == 1 and seen[0][1].name == "state-000000000001.safetensors"


def test_resume_takes_integers_of_numpy_but_not_bools():
    assert Resume("runs", every=np.int64(5)).steps == 5
    assert Resume("runs", every="epoch").steps is None
    with pytest.raises(ValueError, match="every must be a positive number of steps"):
        Resume("runs", every=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_process_does_not_keep_the_lock(tmp_path):
    states, (end, start), (begun, begin) = StateFolder(tmp_path), os.pipe(), os.pipe()
    with states.lock(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking a process with threads
        child = os.fork()
        if child == 0:
            os.write(begin, b"x")
            os.read(end, 1)
            os._exit(0)
    try:
        os.read(begun, 1)
        with states.lock():
            pass
    finally:
        os.write(start, b"x")
        os.waitpid(child, 0)
        for handle in (end, start, begun, begin):
            os.close(handle)
