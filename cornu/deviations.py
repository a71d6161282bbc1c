"""Table of all deviations from the defaults of JAX, XLA and Python.

Each row describes what differs, what it gains, which tests show that it is safe, and how to disable
it. The code calls `is_enabled(name)` before it deviates from a default, or `core.target.applies` if
the row is limited to a kind of device, so that the environment variable `CORNU_DISABLE` disables
any row that is on by default. `docs/deviations.md` and
`python -m cornu info` are generated from this table. `tests/test_deviations.py` searches the
sources for deviations without a row.

An experimental option of XLA, a private function of JAX or a custom formulation is on by default
only if a proof of its safety exists; the others are opt-in.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal, NamedTuple

__all__ = [
    "DEVIATIONS",
    "KINDS",
    "Deviation",
    "Kind",
    "document",
    "find_disabled",
    "is_enabled",
    "plain_formulations",
]

Kind = Literal["compiler option", "memory", "compilation", "JAX setting", "process", "formulation"]

KINDS: dict[Kind, str] = {
    "compiler option": "Compiler options of XLA",
    "memory": "Memory",
    "compilation": "Compilation and caches",
    "JAX setting": "Process-wide settings of JAX and XLA",
    "process": "Signals, garbage collection, files and processes",
    "formulation": "Formulations of operations, some with custom gradients",
}

_SWITCH = "CORNU_DISABLE"
_NO_OPTIONS: Mapping[str, str | bool] = MappingProxyType({})


class Deviation(NamedTuple):
    """A deviation from a default.

    Attributes:
        name: the name of the row in `CORNU_DISABLE`.
        kind: the section of the table.
        summary: what differs from the default.
        scope: the devices, systems and programs that it affects.
        gain: the gain, as a ratio to the default where it was measured.
        proof: the tests, and the cases of `python -m benchmarks.safety`, that show it is safe.
        modules: the modules that implement it.
        devices: the JAX backends that it is limited to; all if empty.
        on_request: how to enable it, if it is off by default.
        off: how to disable it, apart from `CORNU_DISABLE`.
        options: the compiler options of XLA, for rows of that kind.
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
        """How to disable the row, if it is on by default."""
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
        summary="By default XLA computes matrix products, convolutions and reductions with the "
        "YNNPACK library. This option excludes convolutions, which are then computed by Eigen. XLA "
        "marks the option as experimental; this value is a subset of its default.",
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
        summary="XLA's memory-optimized scheduler orders the operations of a step. The default "
        "scheduler keeps more arrays in memory at a time.",
        scope="CPU, training and test steps with large arrays or divided weights, without remat",
        gain="memory of a step: ResNet-18 0.72 (239 instead of 332 MB), Transformer 0.81, CNN "
        "1.01; time: ResNet-18 0.94, LSTM 0.98, Transformer 1.02; three small dense layers 1.7, so "
        "that steps of small arrays keep the default scheduler",
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
    Deviation(
        name="kept_barriers",
        kind="compiler option",
        summary="XLA's pass cse_barrier_expander is left out. It removes the barriers around "
        "what is recomputed (remat), which is then computed early, or merged with the values of "
        "the forward pass, so that it is stored after all; and those around the operands of "
        "products with kernels, which are then computed again for each use. The pass "
        "small-while-loop-hoisting is left out, too: XLA cannot compile the loops that it moves if "
        "they contain a barrier, such as that of a small GRU.",
        scope="CPU, programs with rematerialization, and steps with large arrays",
        gain="memory of a step with eight rematerialized blocks of a Transformer 0.44 (33 instead "
        "of 75 MB with the memory scheduler), of dense layers 0.41, of convolutions 0.81; time of "
        "a step of a Transformer with 12 blocks 0.58, with 2 blocks 0.95; LSTM, ResNet-18 and CNN "
        "1.00 to 1.02",
        proof=(
            _EVERY_KIND,
            "tests/core/test_compiler_options.py",
            "tests/core/graph/test_remat.py",
        ),
        modules=("core/compiler_options.py",),
        devices=("cpu",),
        off="CORNU_COMPILER_OPTIONS=off",
        options={"xla_disable_hlo_passes": "cse_barrier_expander,small-while-loop-hoisting"},
    ),
    Deviation(
        name="separate_reductions",
        kind="compiler option",
        summary="The gradients of weights are summed over devices one by one, instead of all at "
        "once, for which every device would hold all of them.",
        scope="CPU, programs of cornu.distribution.FullySharded",
        gain="temporary memory of a step with eight layers 0.18 (12 instead of 67 MB)",
        proof=(
            "tests/distribution/test_on_eight_devices.py",
            "tests/core/test_compiler_options.py",
        ),
        modules=("core/compiler_options.py",),
        devices=("cpu",),
        off="CORNU_COMPILER_OPTIONS=off",
        options={"xla_disable_hlo_passes": "cpu-all-reduce-combiner"},
    ),
    # ------------------------------------------------------------------------------ memory
    Deviation(
        name="memory_reuse",
        kind="memory",
        summary="mallopt lets blocks below 32 MiB come from glibc's heaps (M_MMAP_THRESHOLD), "
        "which keep at most 512 MiB at their ends (M_TRIM_THRESHOLD). glibc by itself maps most of "
        "them in each step, and the kernel zeroes them. Not used if an allocator is configured in "
        "the environment. The safety runs set the same values by glibc's environment variables.",
        scope="CPU, Linux with glibc",
        gain="predict of a million rows with wide layers 0.45; no effect on the step of an LSTM",
        proof=(_EVERY_KIND, "tests/process/test_allocator.py"),
        modules=("process/allocator.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="memory_keeping",
        kind="memory",
        summary="mallopt keeps freed memory of any size in the process for the next step: "
        "M_MMAP_MAX=0, M_TRIM_THRESHOLD an eighth of the memory, at most 2 GB; with the "
        "environment variable also M_ARENA_MAX=1. The safety runs set the same values by glibc's "
        "environment variables.",
        scope="CPU, Linux with glibc",
        gain="training step of ResNet-18 0.88 to 0.91, of a Transformer 0.96; resident memory "
        "up to 1.7",
        proof=(_EVERY_KIND, "tests/process/test_allocator.py"),
        modules=("process/allocator.py",),
        devices=("cpu",),
        on_request="CORNU_ALLOCATOR=keep, or cornu.config.enable_memory_keeping()",
        off="cornu.config.disable_memory_keeping()",
    ),
    Deviation(
        name="memory_release",
        kind="memory",
        summary="malloc_trim returns freed memory to the system after a program has been compiled "
        "and after deleted models have been collected.",
        scope="Linux with glibc",
        gain="resident memory of a process that trains forty small models 0.73",
        proof=("safety: models", "tests/process/test_allocator.py"),
        modules=("process/allocator.py", "training/step/program.py"),
    ),
    Deviation(
        name="buffer_donation",
        kind="memory",
        summary="A training step may write new weights and optimizer slots into the buffers of the "
        "old ones (donate_argnums). A step deletes arrays obtained from a Variable before it: make "
        "a copy (`variable.numpy()`). Nothing is donated if deferred_signals is off.",
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
        summary="Compiled programs are written to the user's cache directory. JAX's persistent "
        "cache is given a custom file store through private functions of JAX "
        "(jax._src.compilation_cache: get_file_cache is replaced, reset_cache is called); "
        "jax_compilation_cache_dir and jax_persistent_cache_min_compile_time_secs are set. If JAX "
        "does not have these functions, nothing is written.",
        scope="all devices, not on Windows",
        gain="first step in the next process: ResNet-18 0.38, MLP 0.6",
        proof=("tests/process/test_prepare.py", "tests/process/test_store.py"),
        modules=("process/programs.py", "process/store.py"),
        off="CORNU_COMPILATION_CACHE=off, or cornu.config.disable_compilation_cache()",
    ),
    Deviation(
        name="block_sharing",
        kind="compilation",
        summary="Blocks, nested models and update rules of optimizers with the same computation "
        "are traced once and called as one jitted function.",
        scope="all devices",
        gain="tracing of ResNet-152 0.41, of a Transformer with 24 blocks 0.38; step time equal",
        proof=("safety: models", "tests/core/graph/test_execution.py"),
        modules=(
            "core/graph/shared_function.py",
            "core/graph/execution.py",
            "optimizers/update_rule.py",
        ),
        off="cornu.config.disable_block_sharing()",
    ),
    Deviation(
        name="inline_programs",
        kind="compilation",
        summary="A small program of model(x), predict and predict_on_batch is loaded again from "
        "its machine code, with a host callback that it does not call, so that XLA runs it in the "
        "calling thread instead of another one. This uses private objects of JAX (the executable "
        "of jax.stages.Compiled, deserialize_executable of the client); if they differ, the "
        "program runs as usual.",
        scope="CPU, programs for one device of at most 4 million operations without loops; not if "
        "the user sets a cache of JAX, whose programs do not hold all of their code",
        gain="a call of an MLP with one sample 0.3 to 0.6, its CPU time 0.35, the 99th percentile "
        "on a busy machine 0.2; the first call takes 3 milliseconds more",
        proof=("safety: inline", "tests/core/test_inline_programs.py"),
        modules=("core/inline_programs.py",),
        devices=("cpu",),
    ),
    # ------------------------------------------------------------------------- JAX settings
    Deviation(
        name="sigterm_ends_jobs",
        kind="JAX setting",
        summary="jax_enable_preemption_service is disabled before the processes of a job are "
        "connected. JAX's service catches SIGTERM, so that it ends no process.",
        scope="cornu.distribution.initialize, `cornu launch`",
        gain="SIGTERM ends a process of a job, or calls its handler, as in any other program",
        proof=("tests/distribution/job/test_launch.py",),
        modules=("distribution/job/connect.py",),
    ),
    Deviation(
        name="float64",
        kind="JAX setting",
        summary="jax_enable_x64 is enabled for the rest of the process: arrays that are created "
        "afterwards have 64-bit dtypes where NumPy's would.",
        scope="all devices",
        gain="float64 variables and arrays, as in Keras",
        proof=("tests/core/state/test_dtypes.py",),
        modules=("core/state/dtypes.py",),
        on_request='a dtype or policy of "float64"',
    ),
    Deviation(
        name="wide_fingerprints",
        kind="JAX setting",
        summary="Preprocessing layers that hash compute 64-bit fingerprints in a "
        "jax.enable_x64(True) context, which is limited to their computation.",
        scope="all devices, Hashing and HashedCrossing",
        gain="the buckets equal those of Keras",
        proof=("tests/layers/preprocessing/test_fingerprint.py",),
        modules=("layers/preprocessing/tabular/hash_buckets.py",),
        on_request="cornu.layers.Hashing, cornu.layers.HashedCrossing",
    ),
    Deviation(
        name="wide_constants",
        kind="JAX setting",
        summary="While an ONNX file is written, constants of 64 bits are computed in a "
        "jax.enable_x64(True) context, which is limited to their computation.",
        scope="all devices, models with numbers of 64 bits, such as those of Hashing layers",
        gain="the constants have the bits that the model computes with",
        proof=("tests/export/test_onnx_integers.py",),
        modules=("export/onnx/convert.py",),
        on_request='Model.export(path, format="onnx")',
    ),
    Deviation(
        name="preprocessing_on_cpu",
        kind="JAX setting",
        summary="In functions passed to tf.data.Dataset.map, and in the part of a model that reads "
        "strings, preprocessing layers compute in a jax.default_device context of the CPU.",
        scope="all devices, layers called in tf.data.Dataset.map, models with inputs of strings",
        gain="the input pipeline does not wait for the device that trains",
        proof=("tests/layers/preprocessing/test_dataset.py", "tests/models/test_string_inputs.py"),
        modules=("layers/preprocessing/tf_data.py", "models/string_inputs/split_graph.py"),
        on_request="a layer called on TensorFlow tensors, Input(dtype='string')",
    ),
    Deviation(
        name="device_scope",
        kind="JAX setting",
        summary="cornu.device is a jax.default_device context.",
        scope="all devices, within a `with cornu.device(...)` block",
        gain="arrays are created on the device, as in Keras",
        proof=("tests/core/state/test_public_scopes.py",),
        modules=("core/state/public_scopes.py",),
        on_request="cornu.device",
    ),
    Deviation(
        name="deterministic_gpu_ops",
        kind="JAX setting",
        summary="--xla_gpu_deterministic_ops=true is added to XLA_FLAGS if no backend of JAX is "
        "initialized, according to a private function (xla_bridge.backends_are_initialized).",
        scope="GPU",
        gain="bitwise reproducible runs",
        proof=("tests/training/step/test_program_determinism.py",),
        modules=("process/determinism.py",),
        devices=("gpu",),
        on_request="cornu.utils.enable_op_determinism()",
    ),
    # ------------------------------------------------------------------------------ process
    Deviation(
        name="traceback_filtering",
        kind="process",
        summary="Frames of cornu and JAX are removed from tracebacks. "
        "cornu.config.disable_traceback_filtering() also sets jax_traceback_filtering to off.",
        scope="the whole process",
        gain="a traceback shows the frames of the user's program",
        proof=("tests/core/tracebacks/test_api_boundary.py",),
        modules=("core/tracebacks/api_boundary.py", "config.py"),
        off="cornu.config.disable_traceback_filtering()",
    ),
    Deviation(
        name="keras_modules",
        kind="process",
        summary="Modules named keras are added to sys.modules, for programs that import Keras; for "
        "those of Keras 3 with an import finder.",
        scope="the whole process",
        gain="programs and packages written for Keras run unchanged",
        proof=(
            "tests/dialects/test_keras1_models.py",
            "tests/dialects/test_keras2.py",
            "tests/compat/test_install.py",
        ),
        modules=(
            "dialects/keras1/module_tree.py",
            "dialects/keras2/implementation/module_tree.py",
            "dialects/tree.py",
            "dialects/shims.py",
            "dialects/python2/loader.py",
            "dialects/python2/statements.py",
            "compat/finder.py",
            "compat/as_keras/keras.py",
            "dialects/runner.py",
        ),
        on_request="python -m cornu run, cornu.install_as_keras(), or "
        "install() of cornu.dialects.keras1 or keras2",
    ),
    Deviation(
        name="deferred_signals",
        kind="process",
        summary="Python handlers of SIGINT and SIGTERM are deferred while a step exchanges "
        "buffers, through functions of Python's private module _signal.",
        scope="main thread",
        gain="an interrupted fit leaves a consistent model; each dispatch costs 2 microseconds",
        proof=(
            "tests/training/step/test_program_interrupts.py",
            "benchmarks/attacks/interrupts.py",
        ),
        modules=("process/interrupts.py",),
    ),
    Deviation(
        name="errors_after_fork",
        kind="process",
        summary="In a process that is forked after a backend of JAX was initialized, according to "
        "a private function (xla_bridge.backends_are_initialized), jax_no_execution is set, and "
        "functions of JAX that compute (EvalTrace.process_primitive, pjit._pjit_call_impl_python, "
        "ExecuteReplicated.__call__, batched_device_put, _batched_device_put_impl) raise an error.",
        scope="forked processes",
        gain="an error instead of a computation that never ends",
        proof=("tests/process/test_forks.py",),
        modules=("process/forks.py",),
    ),
    Deviation(
        name="repeated_interrupts",
        kind="process",
        summary="In fit, evaluate, predict, save and load, a KeyboardInterrupt that is raised "
        "where Python ignores exceptions (garbage collection, finalizers) is raised again a "
        "millisecond later.",
        scope="main thread, Python's default handler of SIGINT",
        gain="no Ctrl-C is lost",
        proof=("tests/training/step/test_program_interrupts.py",),
        modules=("process/interrupts.py",),
    ),
    Deviation(
        name="signal_callbacks",
        kind="process",
        summary="The OnSignal callback replaces the handlers of its signals during fit.",
        scope="main thread",
        gain="a model is saved before a machine is shut down",
        proof=("tests/callbacks/test_on_signal.py",),
        modules=("callbacks/on_signal.py",),
        on_request="cornu.callbacks.OnSignal",
    ),
    Deviation(
        name="job_watchdog",
        kind="process",
        summary="In a job of several processes, two threads report the progress of the process to "
        "the others through a private object of JAX (jax._src.distributed.global_state.client), "
        "and end the process when another one fails, is lost or hangs. sys.excepthook is replaced, "
        "and a function of atexit added: after an error, the process ends without waiting for the "
        "others, and its traceback begins with the program.",
        scope="cornu.distribution.initialize, `cornu launch`",
        gain="a job ends within its time limit, with an error that names the process",
        proof=("tests/distribution/job/test_launch.py", "tests/distribution/job/test_records.py"),
        modules=("distribution/job/connect.py", "distribution/job/ending.py"),
    ),
    Deviation(
        name="launcher_signals",
        kind="process",
        summary="`cornu launch` handles SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2, and "
        "sends them to its processes.",
        scope="the process of the launcher, which runs no program of the user",
        gain="a signal to the launcher reaches all processes of the job",
        proof=("tests/launcher/test_job.py",),
        modules=("launcher/job.py",),
        on_request="python -m cornu launch",
    ),
    Deviation(
        name="import_without_collection",
        kind="process",
        summary="The garbage collector is disabled while a module of cornu is imported. If that "
        "allocated many objects, all objects are moved to the oldest generation (gc.freeze, then "
        "gc.unfreeze), unless the program has frozen objects.",
        scope="the whole process",
        gain="import 25 ms faster; the first fit takes 0.14 s of CPU time less",
        proof=("tests/architecture/test_imports.py", "tests/test_deviations.py"),
        modules=("__init__.py",),
    ),
    Deviation(
        name="collection_callbacks",
        kind="process",
        summary="Two functions are added to gc.callbacks: one releases the frames of functions "
        "that built a graph and have returned, the other calls malloc_trim after deleted models "
        "have been collected.",
        scope="the whole process",
        gain="deleted models are freed by the next collection; each call costs less than a "
        "microsecond",
        proof=("tests/core/graph/test_call_stack.py", "tests/process/test_allocator.py"),
        modules=("core/graph/call_stack.py", "process/allocator.py"),
    ),
    Deviation(
        name="jax_type_handler",
        kind="process",
        summary="JAX gets a handler for the type of symbolic Tensors through a private function "
        "(jax._src.dtypes.register_canonicalize_value_handler), which raises cornu's error. If JAX "
        "does not have the function, its own message is shown.",
        scope="the whole process; no other type",
        gain="jax.nn.relu(x) of a symbolic Tensor names cornu.ops.relu",
        proof=("tests/core/graph/test_foreign_calls.py",),
        modules=("core/graph/tensor.py",),
    ),
    Deviation(
        name="file_advice",
        kind="process",
        summary="madvise announces the order in which the rows of a memory-mapped file are read, "
        "if the rows are small.",
        scope="Linux, macOS",
        gain="300 shuffled steps from a file of 10 GB 0.03",
        proof=("tests/data/test_lazy_columns.py",),
        modules=("data/lazy_columns.py",),
    ),
    Deviation(
        name="worker_environment",
        kind="process",
        summary="Worker processes of PyDatasets start with JAX_PLATFORMS=cpu, do not read or write "
        "compiled programs, and ignore SIGINT.",
        scope="PyDatasets with use_multiprocessing=True",
        gain="worker processes do not allocate GPU memory, and terminate with their parent",
        proof=("tests/data/sources/test_workers.py",),
        modules=("data/sources/workers.py",),
        on_request="use_multiprocessing=True",
    ),
    Deviation(
        name="planning_process",
        kind="process",
        summary="Programs are compiled for virtual CPU devices in another process, which does not "
        "run them: with XLA's order for the least memory, reductions that stay separate, bfloat16 "
        "in place of float32, files that show the program, and no optimization of machine code.",
        scope="the process that a plan starts; the calling process is not affected",
        gain="plans for up to 2048 devices without having one",
        proof=("tests/distribution/planning/test_compiling.py",),
        modules=(
            "distribution/planning/compile_worker.py",
            "distribution/planning/compiling.py",
        ),
        on_request="`cornu.distribution.plan` or `python -m cornu plan`",
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
        summary="Average pooling is a sum of slices with a custom gradient (custom_jvp), instead "
        "of reduce_window.",
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
        "grouped convolution.",
        scope="CPU, kernels of at most 27 elements",
        gain="0.35",
        proof=("safety: convolution", "tests/ops/test_conv.py"),
        modules=("ops/nn/convolution.py", "ops/nn/windows.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="attention",
        kind="formulation",
        summary="Attention is computed with the head axis next to the batch axis, and its softmax "
        "is saved for the gradient (custom_jvp), instead of by jax.nn.dot_product_attention.",
        scope="CPU",
        gain="0.45",
        proof=("safety: attention", "tests/ops/test_nn.py"),
        modules=("ops/nn/attention.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="kernel_gradient",
        kind="formulation",
        summary="In the gradients of kernels (Dense, EinsumDense, attention, ops.matmul and "
        "ops.einsum), one array is transposed in memory (custom_jvp, optimization_barrier). "
        "Without this, XLA does not compute these products by YNNPACK.",
        scope="CPU, 32-bit and 64-bit floats, without a distribution",
        gain="CPU time of a training step of a Transformer 0.86; the gradients of a dense layer of "
        "512 units on 32 x 128 positions 0.63",
        proof=("safety: product, batched_product, models", "tests/ops/test_kernel_product.py"),
        modules=("ops/kernel_product.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="stored_relu",
        kind="formulation",
        summary="In gradients, relu is a selection (custom_jvp), whose result XLA stores, instead "
        "of a maximum, which it computes again for each use, with all residual blocks before it. "
        "The values are equal.",
        scope="CPU, arrays with more than two axes",
        gain="training step of ResNet-18 0.87, CPU time 0.92; its temporary memory 1.66 (174 "
        "instead of 105 MB)",
        proof=("safety: models", "tests/ops/test_relu.py"),
        modules=("ops/nn/activation.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="stored_derivatives",
        kind="formulation",
        summary="The gradients of gelu, silu, mish, softplus, log_sigmoid, squareplus, elu, selu "
        "and celu store the derivative of each element (custom_jvp, optimization_barrier), instead "
        "of the argument and intermediate results.",
        scope="CPU, arrays with more than two axes",
        gain="memory of a training step of a Transformer of 12 blocks 0.76 (603 instead of 796 "
        "MB), CPU time 0.96 to 1.03",
        proof=("safety: models", "tests/ops/test_stored_derivative.py"),
        modules=("ops/nn/stored_derivative.py",),
        devices=("cpu",),
    ),
    Deviation(
        name="recurrence",
        kind="formulation",
        summary="SimpleRNN, LSTM and GRU have a custom gradient (custom_vjp), and their gates are "
        "computed once (optimization_barrier), instead of differentiating lax.scan. jax.jvp "
        "requires CORNU_DISABLE=recurrence.",
        scope="all devices; default activations, reset_after=True, no unroll, no recurrent dropout",
        gain="LSTM 0.53 to 0.68, GRU 0.54 to 0.63",
        proof=("safety: recurrence", "tests/ops/test_rnn.py"),
        modules=("ops/nn/rnn.py", "layers/rnn/cell_protocol.py"),
    ),
    Deviation(
        name="random_bits",
        kind="formulation",
        summary="The random bits of dropout are computed in one pass, instead of by the loop of "
        "jax.random. The bits are the same.",
        scope="CPU, JAX's default generator, 32-bit numbers",
        gain="0.28",
        proof=("safety: dropout", "tests/ops/test_random.py"),
        modules=("ops/random/threefry.py", "ops/materialize.py"),
        devices=("cpu",),
    ),
    Deviation(
        name="flash_attention",
        kind="formulation",
        summary="Attention uses cuDNN's fused kernel, through "
        'jax.nn.dot_product_attention(implementation="cudnn"). There is no proof of its safety.',
        scope="NVIDIA GPU, float16 or bfloat16",
        gain="not measured",
        proof=(),
        modules=("ops/nn/attention.py",),
        devices=("gpu",),
        on_request="flash_attention=True, or cornu.config.enable_flash_attention()",
        off="cornu.config.disable_flash_attention()",
    ),
    Deviation(
        name="rounded_weights",
        kind="formulation",
        summary="Functions that round have gradients of their own (custom_vjp), as if they did not "
        "round: of inputs that quantized weights are multiplied by, and of values and gradients in "
        "8-bit floats.",
        scope="all devices; quantized layers, and fake_quant_with_min_max_vars",
        gain="quantized models are trained, and the scales of 8-bit floats are updated",
        proof=("tests/quantizers/test_layers.py", "tests/quantizers/test_functions.py"),
        modules=(
            "quantizers/fake_quant.py",
            "quantizers/forms/products.py",
            "quantizers/forms/float8.py",
        ),
        on_request="quantize(), a quantized dtype policy, or cornu.quantizers",
    ),
    Deviation(
        name="gradient_probe",
        kind="formulation",
        summary="An identity function inspects the gradients that pass through it (custom_vjp).",
        scope="all devices",
        gain="an error names the layer in which the first NaN occurs",
        proof=("tests/inspect/nan/test_find_nan.py",),
        modules=("inspect/nan/layer_calls.py",),
        on_request="fit(debug_nans=True), or cornu.debug.find_nan",
    ),
)

DEVIATIONS = {row.name: row for row in _ROWS}


def is_enabled(name: str) -> bool:
    """Returns whether a row that is on by default is not disabled by `CORNU_DISABLE`.

    Opt-in rows have switches of their own. Within `plain_formulations`, no formulation is enabled.

    Raises:
        ValueError: `CORNU_DISABLE` contains the name of an unknown or an opt-in row.
    """
    if _state.is_plain and DEVIATIONS[name].kind == "formulation":
        return False
    return name not in find_disabled()


class _State(threading.local):
    is_plain = False


_state = _State()


@contextlib.contextmanager
def plain_formulations() -> Iterator[None]:
    """Disables the formulations of the table for what this thread traces in a `with` block.

    Exported programs run on devices and with compilers that the formulations were not measured on.
    """
    before, _state.is_plain = _state.is_plain, True
    try:
        yield
    finally:
        _state.is_plain = before


@cache
def find_disabled() -> frozenset[str]:
    """Returns the names in `CORNU_DISABLE`, which is read at the first call only.

    Raises:
        ValueError: `CORNU_DISABLE` contains the name of an unknown or an opt-in row.
    """
    known = [row.name for row in _ROWS if not row.on_request]
    names = frozenset(os.environ.get(_SWITCH, "").lower().replace(",", " ").split())
    for name in sorted(names - {"all", *known}):
        reason = "is not in the table of deviations"
        if name in DEVIATIONS:
            reason = f"is off by default (it is enabled by {DEVIATIONS[name].on_request})"
        raise ValueError(
            f"{_SWITCH} contains {name!r}, which {reason}.\nExpected `all`, or a comma-separated "
            f"list of rows that are on by default.{_suggest(name, known)}"
        )
    return frozenset(known) if "all" in names else names


def _suggest(name: str, known: list[str]) -> str:
    # Not `cornu.errors.suggest`: it needs the settings, which need this module.
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."


def document() -> str:
    """Returns the text of `docs/deviations.md`."""
    lines = [
        "# Deviations from JAX's defaults",
        "",
        "`python -m cornu info` (or `cornu.config.info()`) prints the configuration of the",
        "process: versions, devices, environment variables, and the state of each row below.",
        "",
        "```console",
        "$ CORNU_DISABLE=recurrence,memory_release python program.py   # disables two rows",
        "$ CORNU_DISABLE=all python program.py                         # disables all default rows",
        "$ CORNU_COMPILER_OPTIONS=off python program.py                # XLA's default options",
        "```",
        "",
        "An experimental option of XLA, a private function of JAX or a custom formulation is on",
        "by default only if a proof of its safety exists; the others are opt-in. Proofs are tests,",
        "and `python -m benchmarks.safety`, which compares values and gradients for random shapes",
        "with float64, in processes with glibc's heap checks, with one, two and four threads, on",
        "an idle and on a busy machine ([results](../benchmarks/safety.md)).",
        "",
        "Any option of XLA can be set by name for the programs that train, evaluate and predict.",
        "Such options are not tested, and `cornu info` marks them:",
        "",
        "```console",
        '$ CORNU_COMPILER_OPTIONS="xla_backend_optimization_level=1" python program.py',
        "```",
        "",
        "Options set by `XLA_FLAGS` or `CORNU_COMPILER_OPTIONS` take precedence over the table.",
        "Set the variables before Python starts: `CORNU_DISABLE` is read once.",
        "",
        "Gains are ratios to the default: a value below 1 is faster or smaller.",
        "",
        "This page is generated from `cornu/deviations.py`, and a test compares the two.",
    ]
    for kind, title in KINDS.items():
        lines += ["", f"## {title}", "", "| name | summary | scope | gain | proof | switch |"]
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
