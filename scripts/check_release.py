"""Builds the sdist and the wheel, and tests both in new environments, away from the repository.

    python -m scripts.check_release [FOLDER]

The files are left in FOLDER (dist). A release is made of them if this ends without an error, and if
the commit has a tag: the files have the version of the tag.

1. The sdist has every file of git in the folders that belong to it; the wheel is built from it, and
   has every file of the library and nothing else.
2. The wheel is installed in a new environment. A program in another folder trains a model and saves
   it, another process loads it, and `cornu --version` is that of the wheel.
3. The sdist is unpacked. Some of its tests run there, in an environment of its own: those of the
   documentation, of examples, and of data that ships.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Files that only a repository needs.
ONLY_GIT = (".ci/", ".github/", ".gitlab-ci.yml")
EXTRAS = "dev,docs,parity,sklearn,onnx,flax,serve,modernize,images,yaml"
TESTS = (
    "tests/architecture",
    "tests/datasets",
    "tests/models",
    "tests/site",
    "tests/test_tree.py",
    "tests/test_versions.py",
)
TRAIN = """
import cornu
from cornu import layers
from cornu.datasets import digits

assert "site-packages" in cornu.__file__, cornu.__file__
train, test = digits.load_data()
model = cornu.Sequential([cornu.Input((8, 8)), layers.Flatten(), layers.Rescaling(1 / 16)])
model.add(layers.Dense(64, "relu"))
model.add(layers.Dense(10, "softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(*train, epochs=8, verbose=0)
model.save("digits.keras")
"""
LOAD = """
import cornu
from cornu.datasets import digits

model = cornu.models.load_model("digits.keras")
accuracy = model.evaluate(*digits.load_data()[1], verbose=0, return_dict=True)["accuracy"]
assert accuracy > 0.85, accuracy
print(f"accuracy of the loaded model: {accuracy:.3f}")
"""


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Runs a command, and returns what it prints.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(folder: Path, *requirements: str | Path) -> Path:
    """Creates an environment with some packages; returns its folder of programs."""
    run(sys.executable, "-m", "venv", folder)
    programs = folder / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", "--no-compile", *requirements)
    return programs


def build(programs: Path, folder: Path) -> tuple[Path, Path]:
    """Builds the files, and returns the paths of the sdist and of the wheel made from it."""
    shutil.rmtree(folder, ignore_errors=True)
    run(programs / "python", "-m", "build", "--outdir", folder)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def check_files(sdist: Path, wheel: Path) -> None:
    """Compares the files of both with those of git."""
    tracked = set(run("git", "ls-files").splitlines())
    tracked = {name for name in tracked if (ROOT / name).is_file()}
    with tarfile.open(sdist) as archive:
        inside = {member.name.partition("/")[2] for member in archive if member.isfile()}
    expected = {name for name in tracked if not name.startswith(ONLY_GIT)}
    _compare(sdist, inside - {"PKG-INFO", ".gitignore"}, expected - {".gitignore"})
    with zipfile.ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if ".dist-info/" not in name}
    _compare(wheel, inside, {name for name in tracked if name.startswith("cornu/")})


def _compare(path: Path, found: set[str], expected: set[str]) -> None:
    if found != expected:
        raise SystemExit(
            f"{path.name}: missing {sorted(expected - found)}, "
            f"unexpected {sorted(found - expected)}"
        )
    print(f"{path.name}: {len(found)} files", flush=True)


def check_wheel(wheel: Path, folder: Path) -> None:
    """Installs the wheel in a new environment, and uses it in two processes."""
    programs = environment(folder / "installed", wheel)
    run(programs / "python", "-m", "pip", "check")
    print(run(programs / "python", "-c", TRAIN, folder=folder), end="")
    print(run(programs / "python", "-c", LOAD, folder=folder), end="", flush=True)
    version = run(programs / "cornu", "--version", folder=folder).split()[1]
    if version != wheel.name.split("-")[1]:
        raise SystemExit(f"cornu --version is {version}, and the wheel is {wheel.name}")


def check_sdist(sdist: Path, folder: Path) -> None:
    """Unpacks the sdist elsewhere, and runs some of its tests."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    programs = environment(unpacked / ".venv", f"{unpacked}[{EXTRAS}]")
    command = [programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    print(run(*command, folder=unpacked).strip().splitlines()[-1])


def main() -> None:
    """Builds and checks both files."""
    output = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sdist, wheel = build(environment(folder / "build", "build>=1.2"), output)
        check_files(sdist, wheel)
        check_wheel(wheel, folder)
        check_sdist(sdist, folder)


if __name__ == "__main__":
    main()
