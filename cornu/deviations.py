"""The table of everything in which cornu departs from the defaults of JAX, XLA and Python.

Each row says what differs, what it gains, which tests show that it is safe, and how to switch it
off. The code asks `is_enabled(name)` before it departs from a default, so that the environment
variable `CORNU_DISABLE` switches off any row that is on by default. `docs/deviations.md` and
`python -m cornu info` are made from this table; `tests/test_deviations.py` searches the sources for
departures that have no row.

An experimental option of XLA, a private function of JAX or a formulation of our own is on by
default only if a proof of its safety was run; the others exist on request.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal, NamedTuple

__all__ = ["DEVIATIONS", "KINDS", "Deviation", "Kind", "document", "find_disabled", "is_enabled"]

Kind = Literal["compiler option", "memory", "compilation", "JAX setting", "process", "formulation"]

KINDS: dict[Kind, str] = {
    "compiler option": "Options given to XLA",
    "memory": "Memory",
    "compilation": "Compilation and caches",
    "JAX setting": "Settings of JAX and XLA for the whole process",
    "process": "Signals, garbage collection, files and processes",
    "formulation": "Formulations of operations, some with gradients of their own",
}

_SWITCH = "CORNU_DISABLE"
_NO_OPTIONS: Mapping[str, str | bool] = MappingProxyType({})


class Deviation(NamedTuple):
    """One departure from a default.

    Attributes:
        name: what `CORNU_DISABLE` calls it.
        kind: the section of the table.
        summary: what differs from the default.
        scope: where it applies: devices, systems, programs.
        gain: what it gains, as a ratio to the default where that was measured.
        proof: tests, and kinds of cases of `python -m benchmarks.safety`, that show it is safe.
        modules: where it is implemented.
        devices: the backends of JAX that it is limited to; all if empty.
        on_request: how to switch it on, if it is off by default.
        off: how to switch it off, apart from `CORNU_DISABLE`.
        options: XLA's options, for rows of that kind.
    """

    name: str
    kind: Kind
    summary: str
    scope: str
    gain: str
    proof: tuple[str, ...]
    modules: tuple[str, ...]
    devices: tuple[str, ...] = ()
    on_request: str = ""
    off: str = ""
    options: Mapping[str, str | bool] = _NO_OPTIONS

    @property
    def switch_off(self) -> str:
        """What switches the row off, if it is on by default."""
        switch = f"{_SWITCH}={self.name}"
        return f"{switch}, or {self.off}" if self.off else switch


_EVERY_KIND = (
    "safety: product, batched_product, convolution, pooling, reduction, recurrence, "
    "attention, embedding, dropout, models"
)

_ROWS = (
    # -------------------------------------------------------------------- compiler options
    Deviation(
        name="eigen_convolutions",
        kind="compiler option",
        summary="By default XLA computes matrix products, convolutions and reductions with its "
        "library YNNPACK. This option excludes convolutions, which Eigen then computes. XLA marks "
        "the option experimental; this value only narrows its default.",
        scope="CPU",
        gain="training step of a CNN 0.75, of a ResNet 0.8; no effect without convolutions",
        proof=(_EVERY_KIND, "tests/core/test_compiler_options.py"),
        modules=("core/compiler_options.py",),
        devices=("cpu",),
        off="CORNU_COMPILER_OPTIONS=off",
        options={
            "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,"
            "LIBRARY_FUSION_TYPE_REDUCE"
        },
    ),
    Deviation(
        name="memory_scheduler",
        kind="compiler option",
        summary="XLA's other scheduler orders operations for memory. The default one computes "
        "recomputed values as early as possible, and so keeps them all.",
        scope="CPU, programs that recompute (remat)",
        gain="temporaries of eight recomputed blocks 0.6 (84 instead of 138 MB)",
        proof=(
            _EVERY_KIND,
            "tests/core/test_compiler_options.py",
            "tests/core/graph/test_remat.py",
        ),
        modules=("core/compiler_options.py",),
        devices=("cpu",),
        off="CORNU_COMPILER_OPTIONS=off",
        options={"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"},
    ),
    # ------------------------------------------------------------------------------ memory
    Deviation(
        name="memory_keeping",
        kind="memory",
        summary="mallopt keeps freed memory in the process for the next step: M_MMAP_MAX=0, "
        "M_TRIM_THRESHOLD an eighth of the memory, 2 GB at most; by the environment variable "
        "also M_ARENA_MAX=1. The safety runs set the same by glibc's own variables.",
        scope="CPU, Linux with glibc",
        gain="training step of a Transformer 0.90 to 0.95, of ResNet-18 0.93 to 0.96; resident "
        "memory up to 1.5",
        proof=(_EVERY_KIND, "tests/process/test_allocator.py"),
        modules=("process/allocator.py",),
        devices=("cpu",),
        on_request="CORNU_ALLOCATOR=keep, or cornu.config.enable_memory_keeping()",
        off="cornu.config.disable_memory_keeping()",
    ),
    Deviation(
        name="memory_release",
        kind="memory",
        summary="malloc_trim returns freed memory to the system after a program was compiled and "
        "after dropped models were collected.",
        scope="Linux with glibc",
        gain="resident memory of a process that trains forty small models 0.73",
        proof=("safety: models", "tests/process/test_allocator.py"),
        modules=("process/allocator.py", "training/step/program.py"),
    ),
    Deviation(
        name="buffer_donation",
        kind="memory",
        summary="A training step may write new weights and optimizer slots into the memory of the "
        "old ones (donate_argnums). An array taken from a Variable before a step is deleted by the "
        "step: take a copy (`variable.numpy()`). Nothing is donated where deferred_signals is off.",
        scope="all devices",
        gain="four dense layers of 2048 units: step 0.92, peak memory 0.42",
        proof=(
            "safety: models",
            "tests/training/step/test_program_interrupts.py",
            "tests/test_deviations.py",
        ),
        modules=("training/step/program.py", "core/state/variable.py"),
    ),
    # ------------------------------------------------------------------------- compilation
    Deviation(
        name="compilation_cache",
        kind="compilation",
        summary="Compiled programs are written to the user's cache folder. JAX's persistent cache "
        "has files of its own for that, through a function that JAX keeps private "
        "(jax._src.compilation_cache: get_file_cache is replaced, reset_cache called); "
        "jax_compilation_cache_dir and jax_persistent_cache_min_compile_time_secs are set. If JAX "
        "has no such functions, nothing is written.",
        scope="all devices, not on Windows",
        gain="first step in the next process: ResNet-18 0.38, MLP 0.6",
        proof=("tests/process/test_prepare.py", "tests/process/test_store.py"),
        modules=("process/programs.py", "process/store.py"),
        off="CORNU_COMPILATION_CACHE=off, or cornu.config.disable_compilation_cache()",
    ),
    Deviation(
        name="block_sharing",
        kind="compilation",
        summary="Blocks, nested models and optimizer rules that compute the same are traced once "
        "and called as one jitted function.",
        scope="all devices",
        gain="tracing ResNet-152 0.41, a Transformer of 24 blocks 0.38; steps equal",
        proof=("safety: models", "tests/core/graph/test_execution.py"),
        modules=(
            "core/graph/shared_function.py",
            "core/graph/execution.py",
            "optimizers/update_rule.py",
        ),
        off="cornu.config.disable_block_sharing()",
    ),
    # ------------------------------------------------------------------------- JAX settings
    Deviation(
        name="float64",
        kind="JAX setting",
        summary="jax_enable_x64 is switched on, for the rest of the process: arrays that are made "
        "from then on have 64 bits where NumPy's would.",
        scope="all devices",
        gain="float64 variables and arrays, as in Keras",
        proof=("tests/core/state/test_dtypes.py",),
        modules=("core/state/dtypes.py",),
        on_request='a dtype or policy of "float64"',
    ),
    Deviation(
        name="wide_fingerprints",
        kind="JAX setting",
        summary="Preprocessing layers that hash compute fingerprints of 64 bits inside of "
        "jax.enable_x64(True), which is limited to their computation.",
        scope="all devices, Hashing and HashedCrossing",
        gain="the buckets are those of Keras",
        proof=("tests/layers/preprocessing/test_fingerprint.py",),
        modules=("layers/preprocessing/tabular/hash_buckets.py",),
        on_request="cornu.layers.Hashing, cornu.layers.HashedCrossing",
    ),
    Deviation(
        name="preprocessing_on_cpu",
        kind="JAX setting",
        summary="In functions that tf.data maps, preprocessing layers compute inside of "
        "jax.default_device of the CPU.",
        scope="all devices, layers called in tf.data.Dataset.map",
        gain="making batches does not wait for the device that trains",
        proof=("tests/layers/preprocessing/test_dataset.py",),
        modules=("layers/preprocessing/tf_data.py",),
        on_request="a layer called on tensors of TensorFlow",
    ),
    Deviation(
        name="deterministic_gpu_ops",
        kind="JAX setting",
        summary="--xla_gpu_deterministic_ops=true is added to XLA_FLAGS, if no backend of JAX is "
        "initialized, which a private function tells (xla_bridge.backends_are_initialized).",
        scope="GPU",
        gain="equal bits in each run",
        proof=("tests/training/step/test_program_determinism.py",),
        modules=("process/determinism.py",),
        devices=("gpu",),
        on_request="cornu.utils.enable_op_determinism()",
    ),
    # ------------------------------------------------------------------------------ process
    Deviation(
        name="traceback_filtering",
        kind="process",
        summary="Frames of cornu and JAX are left out of tracebacks. "
        "cornu.config.disable_traceback_filtering() also sets jax_traceback_filtering to off.",
        scope="the whole process",
        gain="an error shows the user's own frames",
        proof=("tests/core/tracebacks/test_api_boundary.py",),
        modules=("core/tracebacks/api_boundary.py", "config.py"),
        off="cornu.config.disable_traceback_filtering()",
    ),
    Deviation(
        name="keras_modules",
        kind="process",
        summary="sys.modules gets modules named keras, for programs of Keras 1.",
        scope="the whole process",
        gain="old programs run unchanged",
        proof=("tests/dialects/test_keras1_models.py",),
        modules=("dialects/keras1/module_tree.py",),
        on_request="python -m cornu run --as keras1, or cornu.dialects.keras1.install()",
    ),
    Deviation(
        name="deferred_signals",
        kind="process",
        summary="Handlers of SIGINT and SIGTERM that are Python functions wait while a step "
        "exchanges buffers, through functions of Python's private module _signal.",
        scope="main thread",
        gain="an interrupted fit leaves a consistent model; costs 2 microseconds per dispatch",
        proof=("tests/training/step/test_program_interrupts.py", "benchmarks/kills.py"),
        modules=("process/interrupts.py",),
    ),
    Deviation(
        name="repeated_interrupts",
        kind="process",
        summary="During fit, a Ctrl-C that arrives where Python drops exceptions (garbage "
        "collection, finalizers) is raised again a millisecond later.",
        scope="main thread, Python's own handler of SIGINT",
        gain="no Ctrl-C is lost",
        proof=("tests/training/step/test_program_interrupts.py",),
        modules=("process/interrupts.py",),
    ),
    Deviation(
        name="signal_callbacks",
        kind="process",
        summary="The callback OnSignal replaces the handlers of its signals during fit.",
        scope="main thread",
        gain="a model is saved when a machine is about to stop",
        proof=("tests/callbacks/test_on_signal.py",),
        modules=("callbacks/on_signal.py",),
        on_request="cornu.callbacks.OnSignal",
    ),
    Deviation(
        name="import_without_collection",
        kind="process",
        summary="The garbage collector pauses while a module of cornu is imported.",
        scope="the whole process",
        gain="import 25 ms shorter",
        proof=("tests/architecture/test_imports.py",),
        modules=("__init__.py",),
    ),
    Deviation(
        name="collection_callbacks",
        kind="process",
        summary="Two functions in gc.callbacks: one releases the frames of functions that built a "
        "graph and have returned, one calls malloc_trim after dropped models were collected.",
        scope="the whole process",
        gain="dropped models are freed by the next collection; under a microsecond each",
        proof=("tests/core/graph/test_call_stack.py", "tests/process/test_allocator.py"),
        modules=("core/graph/call_stack.py", "process/allocator.py"),
    ),
    Deviation(
        name="file_advice",
        kind="process",
        summary="madvise tells the system in which order rows of a memory-mapped file are read, "
        "if they are small.",
        scope="Linux, macOS",
        gain="300 shuffled steps from a file of 10 GB 0.03",
        proof=("tests/data/test_lazy_columns.py",),
        modules=("data/lazy_columns.py",),
    ),
    Deviation(
        name="worker_environment",
        kind="process",
        summary="Processes that make batches start with JAX_PLATFORMS=cpu, neither read nor write "
        "compiled programs, and ignore SIGINT.",
        scope="PyDatasets with use_multiprocessing=True",
        gain="worker processes do not take a GPU, and end with their parent",
        proof=("tests/data/sources/test_workers.py",),
        modules=("data/sources/workers.py",),
        on_request="use_multiprocessing=True",
    ),
    # -------------------------------------------------------------------------- formulations
    Deviation(
        name="max_pooling",
        kind="formulation",
        summary="The gradient of max pooling is computed from the index of the maximum in each "
        "window (custom_jvp) instead of by XLA's select-and-scatter.",
        scope="CPU, windows of at most 27 elements",
        gain="0.04 to 0.06",
        proof=("safety: pooling", "tests/ops/test_pooling.py"),
        modules=("ops/nn/pooling.py", "ops/materialize.py", "ops/nn/windows.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="average_pooling",
        kind="formulation",
        summary="Average pooling is a sum of slices with a gradient of its own (custom_jvp), "
        "instead of reduce_window.",
        scope="CPU, windows of at most 27 elements",
        gain="0.34",
        proof=("safety: pooling", "tests/ops/test_pooling.py"),
        modules=("ops/nn/pooling.py", "ops/nn/windows.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="depthwise_convolution",
        kind="formulation",
        summary="A depthwise convolution is a sum over the positions of the kernel, instead of a "
        "convolution with as many groups as channels.",
        scope="CPU, kernels of at most 27 elements",
        gain="0.35",
        proof=("safety: convolution", "tests/ops/test_conv.py"),
        modules=("ops/nn/convolution.py", "ops/nn/windows.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="attention",
        kind="formulation",
        summary="Attention is computed with the axis of heads next to that of the batch, and its "
        "softmax is saved for the gradient (custom_jvp), instead of by "
        "jax.nn.dot_product_attention.",
        scope="CPU",
        gain="0.45",
        proof=("safety: attention", "tests/ops/test_nn.py"),
        modules=("ops/nn/attention.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="recurrence",
        kind="formulation",
        summary="SimpleRNN, LSTM and GRU have a hand-written gradient (custom_vjp), and their "
        "gates are computed once (optimization_barrier), instead of differentiating lax.scan. "
        "jax.jvp needs CORNU_DISABLE=recurrence.",
        scope="all devices; default activations, reset_after=True, no unroll, no recurrent dropout",
        gain="LSTM 0.53 to 0.68, GRU 0.54 to 0.63",
        proof=("safety: recurrence", "tests/ops/test_rnn.py"),
        modules=("ops/nn/rnn.py", "layers/rnn/cell_protocol.py"),
    ),
    Deviation(
        name="random_bits",
        kind="formulation",
        summary="The random bits of dropout are computed in one pass, instead of by the loop of "
        "jax.random. They are the same bits.",
        scope="CPU, JAX's default generator, 32 bits",
        gain="0.28",
        proof=("safety: dropout", "tests/ops/test_random.py"),
        modules=("ops/random/threefry.py", "ops/materialize.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="flash_attention",
        kind="formulation",
        summary="Attention uses cuDNN's fused kernel, through "
        'jax.nn.dot_product_attention(implementation="cudnn"). No proof of its safety was run.',
        scope="NVIDIA GPU, float16 or bfloat16",
        gain="not measured",
        proof=(),
        modules=("ops/nn/attention.py",),
        devices=("gpu",),
        on_request="flash_attention=True, or cornu.config.enable_flash_attention()",
        off="cornu.config.disable_flash_attention()",
    ),
    Deviation(
        name="gradient_probe",
        kind="formulation",
        summary="An identity function inspects the gradients that pass through it (custom_vjp).",
        scope="all devices",
        gain="the layer in which NaN begins is named",
        proof=("tests/inspect/nan/test_find_nan.py",),
        modules=("inspect/nan/layer_calls.py",),
        on_request="fit(debug_nans=True), or cornu.debug.find_nan",
    ),
)

DEVIATIONS = {row.name: row for row in _ROWS}


def is_enabled(name: str) -> bool:
    """Returns whether a row that is on by default is on, as `CORNU_DISABLE` says.

    A row that exists on request has a switch of its own and is not asked for here.

    Raises:
        ValueError: `CORNU_DISABLE` contains a name that it cannot switch off.
    """
    return name not in find_disabled()


@cache
def find_disabled() -> frozenset[str]:
    """Returns the names in `CORNU_DISABLE`, which is read once, when the first row is asked for.

    Raises:
        ValueError: it contains a name that it cannot switch off.
    """
    known = [row.name for row in _ROWS if not row.on_request]
    names = frozenset(os.environ.get(_SWITCH, "").lower().replace(",", " ").split())
    for name in sorted(names - {"all", *known}):
        reason = "is not in the table of deviations"
        if name in DEVIATIONS:
            reason = f"is on only on request ({DEVIATIONS[name].on_request})"
        raise ValueError(
            f"{_SWITCH} contains {name!r}, which {reason}.\nExpected `all`, or names of rows that "
            f"are on by default, with commas between them.{_suggest(name, known)}"
        )
    return frozenset(known) if "all" in names else names


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."


def document() -> str:
    """Returns `docs/deviations.md`."""
    lines = [
        "# Deviations from JAX's defaults",
        "",
        "`python -m cornu info` (or `cornu.config.info()`) prints what is on in your process:",
        "versions, devices, environment variables, and the rows below with their states.",
        "",
        "```console",
        "$ CORNU_DISABLE=recurrence,memory_release python program.py   # two rows off",
        "$ CORNU_DISABLE=all python program.py                         # all that can be off",
        "$ CORNU_COMPILER_OPTIONS=off python program.py                # XLA with its own options",
        "```",
        "",
        "An experimental option of XLA, a private function of JAX or a formulation of our own is",
        "on by default only if a proof of its safety was run; the others are on request. Proofs",
        "are tests, and `python -m benchmarks.safety`: random shapes in value and gradient against",
        "float64, in processes with glibc's heap checks, with one, two and four threads, alone and",
        "beside a busy process ([results](../benchmarks/safety.md)).",
        "",
        "Any option of XLA can be requested by name, for the programs with which models train,",
        "evaluate and predict. Such options are not tested, and `cornu info` says so:",
        "",
        "```console",
        '$ CORNU_COMPILER_OPTIONS="xla_backend_optimization_level=1" python program.py',
        "```",
        "",
        "An option that `XLA_FLAGS` or `CORNU_COMPILER_OPTIONS` sets is left as it is set there.",
        "Set the variables before Python starts: `CORNU_DISABLE` is read once.",
        "",
        "Ratios are to the default: below 1 is faster or smaller.",
        "",
        "This page is made from `cornu/deviations.py`, and a test compares the two.",
    ]
    for kind, title in KINDS.items():
        lines += ["", f"## {title}", "", "| name | what | where | gain | proof | switch |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [_cells(row) for row in _ROWS if row.kind == kind]
    return "\n".join(lines) + "\n"


def _cells(row: Deviation) -> str:
    what = row.summary
    if row.options:
        what += " " + " ".join(f"`{name}={value}`" for name, value in row.options.items())
    switch = f"on: {row.on_request}" if row.on_request else f"off: {row.switch_off}"
    cells = (f"`{row.name}`", what, row.scope, row.gain, "; ".join(row.proof) or "none", switch)
    return f"| {' | '.join(cells)} |"
