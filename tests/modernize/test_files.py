"""The command `cornu modernize`: what it prints and what it writes."""

import sys

import pytest

from cornu.cli import main
from cornu.modernize import load_era, modernize_source

PROGRAM = "from keras.layers import Dense, SReLU\n\nDense(output_dim=3)  # \u00e9\nSReLU()\n"
TODAY = (
    "# cornu modernize: keras.layers.SReLU has no equal in Keras 3. The original program keeps "
    "running with python -m cornu run --as keras1\n"
    "from keras.layers import Dense, SReLU\n\nDense(units=3)  # \u00e9\n"
    "# cornu modernize: SReLU has no equal in Keras 3. The original program keeps running with "
    "python -m cornu run --as keras1\n"
    "SReLU()\n"
)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_the_changes_are_shown(program, capsys):
    assert main(["modernize", str(program)]) == 1
    out, err = capsys.readouterr()
    assert "-Dense(output_dim=3)" in out and "+Dense(units=3)" in out
    assert "keras1, because of keras.layers.SReLU (program.py:1)" in err
    assert f"{program}:1: keras.layers.SReLU has no equal" in err
    assert f"{program}:5: SReLU has no equal" in err
    assert program.read_text(encoding="utf-8") == PROGRAM


def test_imports_are_marks():
    (first, second) = modernize_source(PROGRAM, load_era("keras1")).marks
    assert (first.line, second.line) == (1, 4)


def test_a_file_is_written_with_its_mode(program, capsys):
    program.chmod(0o750)
    assert main(["modernize", "--write", str(program)]) == 1
    assert program.read_text(encoding="utf-8") == TODAY
    assert program.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in program.parent.iterdir()] == ["program.py"]


def test_folders_and_several_files(tmp_path, capsys):
    inner = tmp_path / "package"
    inner.mkdir()
    for name in ("first.py", "second.py"):
        (inner / name).write_bytes(b"from keras.layers import Dropout\r\nDropout(p=0.1)\r\n")
    (inner / "today.py").write_text("import keras\n")
    assert main(["modernize", "--as", "keras1", "--import", "cornu", "--write", str(tmp_path)]) == 0
    written = b"from cornu.layers import Dropout\r\nDropout(rate=0.1)\r\n"
    assert (inner / "first.py").read_bytes() == (inner / "second.py").read_bytes() == written
    assert (inner / "today.py").read_text() == "import cornu as keras\n"


def test_a_program_of_today_is_left_alone(tmp_path, capsys):
    path = tmp_path / "today.py"
    path.write_text("import keras\nkeras.ops.add(1, 2)\n")
    assert main(["modernize", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "keras3, because of keras.ops" in err


def test_files_that_cannot_be_read(tmp_path, capsys):
    assert main(["modernize", str(tmp_path / "nowhere.py")]) == 2
    assert "nowhere.py' does not exist" in capsys.readouterr().err
    path = tmp_path / "old.py"
    path.write_text("print 'Python 2'\n")
    for version in ("auto", "keras1"):
        assert main(["modernize", "--as", version, str(path)]) == 2
        assert "old.py: it is a program in Python 2" in capsys.readouterr().err
    assert path.read_text() == "print 'Python 2'\n"


def test_without_libcst(program, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("cornu.modernize")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libcst", None)
    assert main(["modernize", str(program)]) == 2
    assert "pip install 'cornu[modernize]'" in capsys.readouterr().err
