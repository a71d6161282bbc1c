"""Compiles partitioned programs on virtual devices: a process of its own, started by `compiling`.

It must not import the rest of the library, which would start JAX's devices with the settings of
the caller. It reads jobs, one JSON object per line, from its standard input, and writes one JSON
object per line to its standard output.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import time
from typing import Any

import jax
from jax import export

# Of these passes, XLA writes the text of the program. After partitioning, dtypes are those of the
# model; the passes for CPU that follow compute bfloat16 in float32.
_PASS = "^spmd-partitioning$"

_OPTIONS: dict[str, str | bool] = {
    "xla_dump_hlo_pass_re": _PASS,
    # In the order of the least memory, as on accelerators. By default, the compiler for CPU orders
    # operations so that as many as possible can run at the same time.
    "xla_cpu_enable_concurrency_optimized_scheduler": False,
    # The pass joins all reductions of gradients into one, which ends after the last gradient, so
    # that all gradients would be in memory at the same time.
    "xla_disable_hlo_passes": "cpu-all-reduce-combiner",
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
        compiled = jitted.lower(*specs).compile(compiler_options=options)
        found = sorted(pathlib.Path(folder).glob("*after_spmd-partitioning*.txt"))
        text = found[-1].read_text() if found else compiled.as_text()
    memory: Any = compiled.memory_analysis()
    return {
        "text": text,
        "arguments": memory.argument_size_in_bytes,
        "outputs": memory.output_size_in_bytes,
        "aliased": memory.alias_size_in_bytes,
        "temporary": memory.temp_size_in_bytes,
        "seconds": time.perf_counter() - began,
    }


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
