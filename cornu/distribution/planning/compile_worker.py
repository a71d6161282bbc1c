"""Compiles partitioned programs on virtual devices: a process of its own, started by `compiling`.

It must not import the rest of the library, which would start JAX's devices with the settings of
the caller. It reads jobs, one JSON object per line, from its standard input, and writes one JSON
object per line to its standard output.
"""

from __future__ import annotations

import json
import math
import pathlib
import re
import sys
import tempfile
import time
from typing import Any

import jax
from jax import export

# Of this pass, XLA writes the text of the program.
_PASS = "^spmd-partitioning$"

_OPTIONS: dict[str, str | bool] = {
    "xla_dump_hlo_pass_re": _PASS,
    # In the order of the least memory, as on accelerators. By default, the compiler for CPU orders
    # operations so that as many as possible can run at the same time.
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    # The first pass joins all reductions of gradients into one, which ends after the last gradient,
    # so that all gradients would be in memory at the same time. The others make arrays of bfloat16
    # float32, since CPUs compute in it.
    "xla_disable_hlo_passes": "cpu-all-reduce-combiner,float-normalization-bf16,"
    "all-reduce-promotion",
    # The machine code does not run.
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": "0",
    "xla_llvm_disable_expensive_passes": True,
}


def compile_program(job: dict[str, Any]) -> dict[str, Any]:
    """Compiles an exported program and returns its text and its memory.

    Args:
        job: "program": the file of the exported program; "shape", "axes": the mesh; "donated": the
            positions of the arguments whose memory is reused.
    """
    began = time.perf_counter()
    exported = export.deserialize(bytearray(pathlib.Path(job["program"]).read_bytes()))
    kinds = (jax.sharding.AxisType.Auto,) * len(job["axes"])
    devices = jax.devices()[: exported.nr_devices]
    mesh = jax.make_mesh(job["shape"], job["axes"], axis_types=kinds, devices=devices)
    shardings = exported.in_shardings_jax(mesh)
    specs = [
        jax.ShapeDtypeStruct(spec.shape, spec.dtype, sharding=sharding)
        for spec, sharding in zip(exported.in_avals, shardings, strict=True)
    ]

    def run(*flat: Any) -> Any:
        args, kwargs = jax.tree_util.tree_unflatten(exported.in_tree, flat)
        return jax.tree_util.tree_leaves(exported.call(*args, **kwargs))

    outputs = list(exported.out_shardings_jax(mesh))
    jitted = jax.jit(run, out_shardings=outputs, donate_argnums=tuple(job["donated"]))
    with tempfile.TemporaryDirectory() as folder:
        options = {**_OPTIONS, "xla_dump_to": folder}
        temporary: int | None = None
        try:
            compiled = jitted.lower(*specs).compile(compiler_options=options)
            memory: Any = compiled.memory_analysis()
            temporary = memory.temp_size_in_bytes
        except jax.errors.JaxRuntimeError:
            # There is no machine code for products of bfloat16, but buffers have been assigned.
            temporary = _read_temporary_bytes(pathlib.Path(folder))
            if temporary is None:
                raise
        # For one device, the program is not partitioned.
        names = ("*after_spmd-partitioning*.txt", "*before_optimizations.txt")
        found = [path for name in names for path in sorted(pathlib.Path(folder).glob(name))]
        text = found[0].read_text()
    results = [_local_bytes(a, s) for a, s in zip(exported.out_avals, outputs, strict=True)]
    return {
        "text": text,
        "arguments": sum(_local_bytes(spec, spec.sharding) for spec in specs),
        # Those of the first results are written to the memory of donated arguments.
        "outputs": sum(results[len(job["donated"]) :]),
        "temporary": temporary,
        "seconds": time.perf_counter() - began,
    }


def _local_bytes(spec: Any, sharding: Any) -> int:
    """Returns the bytes of the part of an array that a device has."""
    size: int = math.prod(sharding.shard_shape(spec.shape)) * spec.dtype.itemsize
    return size


def _read_temporary_bytes(folder: pathlib.Path) -> int | None:
    """Returns the bytes of temporary buffers from the file in which XLA lists buffers."""
    files = sorted(folder.glob("*buffer-assignment.txt"))
    if not files:
        return None
    found = re.findall(
        r"^allocation \d+: size (\d+), preallocated-temp", files[-1].read_text(), re.M
    )
    return sum(map(int, found))


def main() -> None:
    """Answers jobs until the input ends; the argument is the number of virtual devices."""
    jax.config.update("jax_num_cpu_devices", int(sys.argv[1]))
    jax.config.update("jax_enable_compilation_cache", False)  # nothing is dumped on a cache hit
    for line in sys.stdin:
        try:
            answer = compile_program(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
