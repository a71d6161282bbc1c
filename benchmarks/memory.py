"""Memory: of training steps beside other libraries, with rematerialized blocks, of saved models.

`python -m benchmarks.memory` measures each entry in a process of its own, and writes memory.md;
`--tiny` takes small sizes and writes nothing. The peak of a process is `ru_maxrss`, with that of
its imports, and without: the resident memory after them is subtracted.
"""

from __future__ import annotations

import argparse
import importlib
import json
import operator
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import report
from benchmarks.gpu.cases import Case, Lstm, Resnet, Transformer
from benchmarks.measure import SETTINGS
from benchmarks.report import Setting

__all__ = ["CASES", "PEERS", "main", "page"]

_ROOT = Path(__file__).parents[1]
_PAGE = Path(__file__).with_name("memory.md")
_LAYERED, _PLAIN = "benchmarks.gpu.layered", "benchmarks.gpu.plain"

# The package, the module with the Session, and the environment.
PEERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cornu": ("cornu", _LAYERED, {}),
    "keras-jax": ("keras", _LAYERED, {"KERAS_BACKEND": "jax"}),
    "keras-tf": ("keras", _LAYERED, {"KERAS_BACKEND": "tensorflow"}),
    "keras-torch": ("keras", _LAYERED, {"KERAS_BACKEND": "torch"}),
    "torch": ("torch", "benchmarks.gpu.torched", {}),
    "jax": ("jax", _PLAIN, {}),
}

CASES = {
    "resnet50": Case(
        *("ResNet-50, 8 images of 224 x 224", "images"),
        *(Resnet(), Resnet(32, (4, 8), (1, 1), 10)),
        *(8, 1, 3),
        sgd=0.01,
        bfloat16=False,
    ),
    "lstm": Case(
        *("LSTM(512) over 100 steps, 64 rows", "rows"),
        *(Lstm(), Lstm(4, 4, 8, 4)),
        *(64, 1, 3),
        adam=1e-3,
        bfloat16=False,
    ),
    "transformer": Case(
        *("Transformer, 12 blocks of width 256, 16 texts of 128 tokens", "texts"),
        *(Transformer(1024, 128, 256, 4, 12), Transformer(64, 64, 32, 2, 3)),
        *(16, 1, 3),
        adam=1e-3,
        bfloat16=False,
    ),
}
# Of the memory that a step needs if nothing is recomputed; 1 for no limit, 0 for all blocks.
_LIMITS = (1.0, 0.8, 0.6, 0.4, 0.0)
Point = dict[str, Any]


def _import(peer: str) -> Any:
    """Returns the package of a peer, with the parts that packages import late."""
    module = importlib.import_module(PEERS[peer][0])
    if PEERS[peer][1] == _LAYERED:
        operator.attrgetter("Sequential", "layers.Dense", "optimizers.Adam", "losses")(module)
    return module


def _resident() -> float:
    """Returns the resident megabytes now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def _peak() -> float:
    """Returns the greatest resident megabytes so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


# --------------------------------------------------------------------------- what a process does


def _train(peer: str, name: str, tiny: bool) -> Point:
    """Trains four steps on a batch."""
    module, sessions = _import(peer), PEERS[peer][1]
    session_class = importlib.import_module(sessions).Session
    base = _resident()
    options = {"compiles": False} if peer == "torch" else {}
    session = session_class(CASES[name], tiny, module, **options)
    losses = [session.epoch() for _ in range(CASES[name].rounds + 1)]
    return {"peak": _peak(), "base": base, "first": losses[0], "loss": losses[-1]}


def _blocks(limit: float, tiny: bool) -> Point:
    """Trains the Transformer within a limit of memory.

    Args:
        limit: bytes of a step; infinite for no limit, 0 to recompute all blocks.
        tiny: whether the sizes are tiny.
    """
    import jax
    import numpy as np

    import cornu
    from cornu import layers as L
    from cornu.training.memory import program_bytes

    base = _resident()
    s, batch, _ = CASES["transformer"].at(tiny)

    def block(x: Any) -> Any:
        y = L.LayerNormalization()(x)
        x = L.Add()([x, L.MultiHeadAttention(s.heads, s.width // s.heads)(y, y)])
        y = L.Dense(4 * s.width, activation="gelu")(L.LayerNormalization()(x))
        return L.Add()([x, L.Dense(s.width)(y)])

    cornu.utils.set_random_seed(0)
    inputs = cornu.Input((s.steps,), dtype="int32")
    x = L.Embedding(s.vocabulary, s.width)(inputs)
    for _ in range(s.blocks):
        x = block(x)
    model = cornu.Model(inputs, L.Dense(s.vocabulary)(x))
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    auto = {"remat": "auto", "memory_limit": int(min(limit, 2**40))}
    model.compile(cornu.optimizers.Adam(1e-3), loss, **(auto if limit else {"remat": "block*"}))
    x, y = CASES["transformer"].data(tiny)
    began = perf_counter()
    losses = [model.train_on_batch(x, y)]
    first = perf_counter() - began
    seconds = []
    for _ in range(2 if tiny else 8):
        began = perf_counter()
        losses.append(model.train_on_batch(x, y))
        seconds.append(perf_counter() - began)
    peak = _peak()
    runner = model.trainer.programs.runner("train")
    data = jax.tree_util.tree_map(
        jax.numpy.asarray, model.trainer.one_batch(x, y, None, None, train=True).structure
    )
    compiled = runner.program(data, False).lower(runner.key, data).compile()
    return {
        "bytes": program_bytes(compiled),
        "blocks": sum(part.remat for part in model.blocks.children),
        "first": first,
        "step": min(seconds),
        "loss": float(np.asarray(losses[-1])),
        "peak": peak,
        "base": base,
    }


def _save(peer: str, folder: str, tiny: bool) -> Point:
    """Saves a model; the peak is above what the model itself takes."""
    module = _import(peer)
    network = module.applications.MobileNet if tiny else module.applications.ResNet50
    model = network(weights=None)
    weights = sum(array.nbytes for array in model.get_weights()) / 1e6
    before = _resident()
    path = Path(folder) / f"{peer}.keras"
    model.save(path)
    return {"weights": weights, "file": path.stat().st_size / 1e6, "save": _peak() - before}


def _load(peer: str, folder: str, tiny: bool) -> Point:
    """Loads the model."""
    module = _import(peer)
    base = _resident()
    model = module.models.load_model(Path(folder) / f"{peer}.keras", compile=False)
    # cornu reads large weights late.
    _ = [array.nbytes for array in model.get_weights()]
    return {"load": _peak() - base, "held": _resident() - base}


_ENTRIES: dict[str, Any] = {
    "train": _train,
    "blocks": lambda peer, limit, tiny: _blocks(float(limit), tiny),
    "save": _save,
    "load": _load,
}

# ------------------------------------------------------------------------------------- the tables


def _run(entry: str, peer: str, argument: str, tiny: bool) -> Point:
    """Returns what a process of its own measured."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--run", entry, peer, argument]
        + (["--tiny"] if tiny else []),
        env={**os.environ, **SETTINGS, **PEERS[peer][2]},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: Point = json.loads(answer.stdout.splitlines()[-1])
    print(entry, peer, argument, found, flush=True)
    return found


def _lines(rows: list[list[str]]) -> str:
    head, *rest = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rest])


def _training_table(points: Mapping[str, Point]) -> str:
    rows = [["peer", "peak, MB", "after imports, MB", "above imports, MB"]]
    rows[0].append("losses of the 1st and 4th step")
    for peer, p in points.items():
        rows.append([peer, f"{p['peak']:.0f}", f"{p['base']:.0f}"])
        rows[-1] += [f"{p['peak'] - p['base']:.0f}", f"{p['first']:.4f}, {p['loss']:.4f}"]
    ours = points["cornu"]
    others = [p for peer, p in points.items() if peer != "cornu"]
    if others:
        whole = ours["peak"] / min(p["peak"] for p in others)
        above = (ours["peak"] - ours["base"]) / min(p["peak"] - p["base"] for p in others)
        rows.append(["cornu : best", f"{whole:.2f}", "", f"{above:.2f}", ""])
    return _lines(rows)


def _blocks_table(points: Mapping[float, Point]) -> str:
    rows = [
        ["limit", "blocks recomputed", "step, MB", "peak above imports, MB", "step, ms", "loss"]
        + ["first step, s"]
    ]
    plain = points[1.0]
    for limit, p in points.items():
        name = {1.0: "none", 0.0: "all blocks"}.get(limit, f"{limit:.0%} of the first row")
        step = f"{1e3 * p['step']:.0f} ({p['step'] / plain['step']:.2f})"
        size = f"{p['bytes'] / 1e6:.0f} ({p['bytes'] / plain['bytes']:.2f})"
        rows.append([name, str(p["blocks"]), size, f"{p['peak'] - p['base']:.0f}", step])
        rows[-1] += [f"{p['loss']:.6f}", f"{p['first']:.1f}"]
    return _lines(rows)


def _saving_table(points: Mapping[str, Point]) -> str:
    rows = [["peer", "weights, MB", "file, MB", "peak of save, MB", "peak of load, MB", "loaded"]]
    for peer, p in points.items():
        cells = [p[name] for name in ("weights", "file", "save", "load", "held")]
        rows.append([peer, *(f"{cell:.0f}" for cell in cells)])
    rows[0][-1] += ", MB"
    return _lines(rows)


def page(
    setting: Setting,
    training: Mapping[str, Mapping[str, Point]],
    blocks: Mapping[float, Point],
    saving: Mapping[str, Point],
) -> str:
    """Returns the page of results."""
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    parts = [
        "# Memory",
        "Generated by `python -m benchmarks.memory`; do not edit.",
        f"- {setting.date}; {versions}\n- {setting.machine}, {setting.cores} cores",
        "Each entry was measured in a process of its own on the CPU, in float32. The peak is "
        "`ru_maxrss`, which includes compilation; the resident memory after the imports is "
        "subtracted in the columns that say so. All peers start from the same weights, and train "
        "four steps on the same batch.",
    ]
    for name, points in training.items():
        parts += [f"## {CASES[name].title}", _training_table(points)]
    parts += [
        "## Rematerialization: memory against time",
        'The Transformer in cornu, with `compile(remat="auto", memory_limit=...)`, and with all '
        'blocks. "step, MB" are the bytes of the compiled step: weights, state of the optimizer, '
        "batch and temporary arrays. In parentheses: relative to the first row. The first step "
        "includes the compilations by which the limit is met, whose memory is in the peak.",
        _blocks_table(blocks),
        "## Saved models",
        "ResNet-50 without its training state. The peaks are above the memory before saving, and "
        "after the imports. The last column is what the loaded model takes.",
        _saving_table(saving),
    ]
    return "\n\n".join(parts) + "\n"


def measure(tiny: bool, peers: list[str]) -> str:
    """Returns the page of a run."""
    setting = report.setting()
    training = {name: {p: _run("train", p, name, tiny) for p in peers} for name in CASES}
    stored = _run("blocks", "cornu", "inf", tiny)
    blocks = {
        limit: stored
        if limit == 1.0
        else _run("blocks", "cornu", str(int(limit * stored["bytes"])), tiny)
        for limit in ((1.0, 0.0) if tiny else _LIMITS)
    }
    saving = {}
    with tempfile.TemporaryDirectory() as folder:
        for peer in [peer for peer in peers if peer in ("cornu", "keras-jax")]:
            saved = _run("save", peer, folder, tiny)
            saving[peer] = {**saved, **_run("load", peer, folder, tiny)}
    return page(setting, training, blocks, saving)


def main() -> None:
    """Measures all, or what `--run` names."""
    parser = argparse.ArgumentParser("python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="small sizes; writes nothing")
    parser.add_argument("--peers", default=",".join(PEERS), help="names, separated by commas")
    parser.add_argument("--run", nargs=3, metavar=("ENTRY", "PEER", "ARGUMENT"))
    given = parser.parse_args()
    if given.run:
        entry, peer, argument = given.run
        print(json.dumps(_ENTRIES[entry](peer, argument, given.tiny)))
        return
    text = measure(given.tiny, given.peers.split(","))
    if given.tiny:
        print(text)
    else:
        _PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
