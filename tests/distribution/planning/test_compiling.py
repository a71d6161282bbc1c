"""Tests of compiling for virtual devices, with programs whose collectives are known by hand."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec

from cornu.distribution.planning.collectives import find_collectives
from cornu.distribution.planning.compiling import (
    MAX_DEVICES,
    PartitionedProgram,
    VirtualDevices,
    export_program,
)
from cornu.distribution.planning.work import find_work

SIZES = {"data": 4, "model": 2}
MESH = AbstractMesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)


def spec(shape, *axes, dtype="float32"):
    return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding(*axes))


def sharding(*axes):
    return NamedSharding(MESH, PartitionSpec(*axes))


def constrain(x, *axes):
    return jax.lax.with_sharding_constraint(x, sharding(*axes))


def sgd(w, x):
    """A step of linear regression on zeros."""
    return w - jax.grad(lambda w: jnp.sum((x @ w) ** 2))(w)


def gathered_sgd(w, x):
    def loss(w):
        return jnp.sum((constrain(x @ constrain(w), "data")) ** 2)

    return w - jax.grad(loss)(w)


def column_and_row(w, v, x):
    return constrain(jnp.tanh(x @ w) @ v, "data")


def gather_in_loop(w, x):
    def body(h, layer):
        return constrain(jnp.tanh(h @ constrain(layer)), "data"), None

    return jax.lax.scan(body, x, w)[0]


def manual(function, out):
    return jax.shard_map(function, mesh=MESH, in_specs=PartitionSpec("data"), out_specs=out)


# By name: a function, the specs of its arguments and the sharding of its result; its collectives
# as (kind, axes, operand bytes, result bytes, count), and its floating-point operations.
#
# 16 rows over 4 devices are 4 rows each; a kernel of 64 x 32 numbers has 8192 bytes.
PROGRAMS = {
    "data": (
        *(sgd, [spec((64, 32)), spec((16, 64), "data")], ()),
        {("all-reduce", ("data",), 8192, 8192, 1)},
        2 * (2 * 4 * 64 * 32),
    ),
    # The weight is gathered; each device needs a quarter of the gradient only.
    "fsdp": (
        *(gathered_sgd, [spec((64, 32), "data"), spec((16, 64), "data")], ("data",)),
        {
            ("all-gather", ("data",), 2048, 8192, 1),
            ("all-reduce", ("data",), 8192, 8192, 1),
        },
        2 * (2 * 4 * 64 * 32),
    ),
    "tensor": (
        column_and_row,
        [spec((64, 32), None, "model"), spec((32, 64), "model"), spec((16, 64), "data")],
        *(("data",), {("all-reduce", ("model",), 4 * 64 * 4, 4 * 64 * 4, 1)}),
        2 * (2 * 4 * 64 * 16),
    ),
    "tensor in bfloat16": (
        column_and_row,
        [
            spec((64, 32), None, "model", dtype="bfloat16"),
            spec((32, 64), "model", dtype="bfloat16"),
            spec((16, 64), "data", dtype="bfloat16"),
        ],
        *(("data",), {("all-reduce", ("model",), 4 * 64 * 2, 4 * 64 * 2, 1)}),
        2 * (2 * 4 * 64 * 16),
    ),
    "loop": (
        *(gather_in_loop, [spec((6, 64, 64), None, "data"), spec((16, 64), "data")], ("data",)),
        *({("all-gather", ("data",), 4096, 16384, 6)}, 6 * 2 * 4 * 64 * 64),
    ),
    "all-to-all": (
        *(lambda x: constrain(jnp.sin(x), None, "data"), [spec((16, 64), "data")], (None, "data")),
        *({("all-to-all", ("data",), 4 * 64 * 4, 4 * 64 * 4, 1)}, 0),
    ),
    "permutation": (
        manual(
            lambda x: jax.lax.ppermute(x, "data", [(i, (i + 1) % 4) for i in range(4)]),
            PartitionSpec("data"),
        ),
        *([spec((16, 64), "data")], ("data",)),
        *({("collective-permute", ("data",), 1024, 1024, 1)}, 0),
    ),
    "reduce-scatter": (
        manual(lambda x: jax.lax.psum_scatter(x, "data", tiled=True), PartitionSpec("data")),
        *([spec((16, 64), "data")], ("data",)),
        *({("reduce-scatter", ("data",), 1024, 256, 1)}, 0),
    ),
}


def test_collectives_and_arithmetic_are_exact():
    with VirtualDevices(8) as devices:
        compiled_programs = [
            devices.compile(
                PartitionedProgram(
                    export_program(jax.jit(function, out_shardings=sharding(*out)), specs), SIZES
                )
            )
            for function, specs, out, _, _ in PROGRAMS.values()
        ]
    for (name, (*_, expected, flops)), compiled in zip(
        PROGRAMS.items(), compiled_programs, strict=True
    ):
        found = find_collectives(compiled.program, SIZES)
        described = {
            (one.kind, one.axes, one.operand_bytes, one.result_bytes, one.count) for one in found
        }
        assert described == expected, name
        assert sum(one.flops * one.count for one in find_work(compiled.program)) == flops, name
        assert compiled.memory.total > 0
        if name == "fsdp":
            assert [one.is_scattered for one in found if one.kind == "all-reduce"] == [True]
            # Weights and rows; the result has as many bytes as the weights.
            assert compiled.memory.arguments == 2048 + 1024
            assert compiled.memory.outputs == 2048


def test_a_program_that_does_not_compile_is_an_error():
    jitted = jax.jit(lambda x: x + 1, out_shardings=sharding("data"))
    program = PartitionedProgram(
        export_program(jitted, [spec((8,), "data")]), {"data": 4, "model": 4}
    )
    with (
        VirtualDevices(16) as devices,
        pytest.raises(RuntimeError, match="could not be compiled for the mesh"),
    ):
        devices.compile(program)


def test_the_number_of_devices_is_bounded():
    with pytest.raises(ValueError, match=f"at most {MAX_DEVICES} virtual devices"):
        VirtualDevices(2 * MAX_DEVICES)
