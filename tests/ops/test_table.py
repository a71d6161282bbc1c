"""Functions generated from rows: their signatures, for arrays and Tensors."""

from __future__ import annotations

import doctest
import inspect
import pickle
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.core.graph.op import Op
from cornu.core.graph.operators import Operators
from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable

FUNCTIONS = {name: getattr(ops, name) for name in ops.__all__ if callable(getattr(ops, name))}


def test_generated_functions_have_names_and_docstrings():
    for name, function in FUNCTIONS.items():
        assert function.__module__.startswith("cornu.ops"), name
        assert inspect.isfunction(function), name
        assert function.__name__ in (name, "silu", "hard_silu"), name
        summary, *lines = function.__doc__.split("\n")
        assert summary and summary.endswith((".", "`")) or lines, name
        for parameter in inspect.signature(function).parameters:
            assert f"{parameter}:" in function.__doc__, f"{name} says nothing about {parameter}"
    signature = "(x: 'ArrayLike', axis: 'Axes' = None, keepdims: 'bool' = False) -> 'Array'"
    assert str(inspect.signature(ops.mean)) == signature
    assert pickle.loads(pickle.dumps(ops.mean)) is ops.mean


def test_examples():
    runner = doctest.DocTestRunner()
    for name, function in FUNCTIONS.items():
        test = doctest.DocTestParser().get_doctest(function.__doc__, {}, name, None, 0)
        assert runner.run(test).failed == 0, name
    assert runner.tries > 20


def test_arguments_are_bound_by_python():
    with pytest.raises(TypeError, match=r"mean\(\) got an unexpected keyword argument 'axes'"):
        ops.mean(np.ones(3), axes=0)
    with pytest.raises(TypeError, match=r"add\(\) missing 1 required positional argument: 'x2'"):
        ops.add(np.ones(3))


def test_arguments_of_all_kinds():
    two = Variable([1.0, 2.0], name="two")
    for x in ([1.0, 2.0], (1.0, 2.0), np.array([1, 2], "float32"), jnp.array([1.0, 2.0]), two):
        assert ops.add(x, x2=two).tolist() == [2.0, 4.0]
        assert ops.divide_no_nan(x1=x, x2=two).tolist() == [1.0, 1.0]
        assert ops.concatenate([x, two]).tolist() == [1.0, 2.0, 1.0, 2.0]
        assert ops.reshape(x, (2, 1)).shape == (2, 1)
        assert ops.slice(x, (1,), (1,)).tolist() == [2.0]


def test_node_keeps_the_public_name_and_arguments():
    x = Tensor((None, 3))
    node = ops.mean(x, keepdims=True, axis=-1).node
    assert (node.name, node.args[1:], node.kwargs) == ("mean", (-1, True), {})
    node = ops.einsum("ij,kj->ik", x, np.ones((2, 3), "float32")).node
    assert node.name == "einsum" and node.outputs.shape == (None, 2)
    assert "test_table.py" in node.location
    assert ops.cast(x, jnp.float16).node.args[1] == "float16"


def test_errors_have_a_location():
    with pytest.raises(ValueError, match=r"matmul .*\(at .*test_table.py:\d+\).*\(None, 3\)"):
        ops.matmul(Tensor((None, 3)), np.ones((2, 3), "float32"))


def test_operators_record_public_names():
    x = Tensor((None, 4))
    whole = Tensor((None, 4), "int32")
    data = np.arange(1, 13, dtype="int32").reshape(3, 4)
    for name in vars(Operators):
        method = getattr(Operators, name)
        if not inspect.isfunction(method):
            continue
        bits = name in ("__and__", "__or__", "__xor__", "__invert__")
        bits = bits or name in ("__rand__", "__ror__", "__rxor__")
        one = name in ("__neg__", "__abs__", "__invert__")
        if name in ("__matmul__", "__rmatmul__"):
            assert method(Tensor((4, 4)), np.ones((4, 4), "float32")).node.name == "matmul"
            continue
        node = method(whole if bits else x, *([] if one else [2])).node
        args, kwargs = node.substitute_inputs([data if bits else data.astype("float32")])
        public = getattr(ops, node.name)(*args, **kwargs)
        inner = node.op._run_(args, kwargs)
        assert public.dtype == inner.dtype and (public == inner).all(), name


def test_python_numbers_are_weak():
    half = jnp.ones(2, "bfloat16")
    for out in (ops.add(half, 2.0), ops.multiply(2, half), ops.maximum(half, 0.5)):
        assert out.dtype == "bfloat16"
    assert ops.where(half > 0, half, 0.0).dtype == "bfloat16"
    assert ops.clip(half, 0.1, 0.5).dtype == "bfloat16"
    assert ops.add(np.int32(1), 2.5).dtype == "float32"
    assert ops.mean(np.arange(4)).dtype == "float32"


def test_results_have_32_bits_by_default():
    wide = np.ones((2, 2))
    for name in ("add", "matmul", "maximum", "concatenate", "stack"):
        args = ([wide, wide],) if name in ("concatenate", "stack") else (wide, wide)
        assert getattr(ops, name)(*args).dtype == "float32"
    assert ops.cast(wide, "int64").dtype == "int32"
    assert ops.zeros(2, "int64").dtype == ops.argmax(wide).dtype == "int32"
    assert ops.convert_to_tensor(np.arange(3)).dtype == "int32"


def test_integers_become_the_process_wide_float():
    cornu.config.set_floatx("bfloat16")
    try:
        integers = np.array([1, 2])
        for function in (ops.exp, ops.mean, ops.std, ops.sqrt, ops.floor):
            assert function(integers).dtype == "bfloat16"
        assert ops.zeros(2).dtype == ops.arange(0.0, 1.0, 0.5).dtype == "bfloat16"
        assert ops.arange(3).dtype == "int32"
    finally:
        cornu.config.set_floatx("float32")


def test_float16_sums_do_not_overflow():
    large = np.full(1000, 1000, "float16")
    assert float(ops.mean(large)) == 1000
    assert float(ops.std(large)) < 1e-3


def test_static_arguments_stay_static():
    compiled = jax.jit(lambda x: ops.sum(ops.reshape(x, (2, -1)), axis=1, keepdims=True))
    assert compiled(np.ones(6, "float32")).tolist() == [[3.0], [3.0]]


def test_importing_leaves_the_backend_alone(tmp_path):
    # Devices and memory may still be configured after the import.
    import subprocess

    code = (
        "import cornu.ops; from jax._src import xla_bridge; "
        "assert not xla_bridge.backends_are_initialized()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_table_makes_ops():
    assert isinstance(ops.add.op, Op) and ops.add.op.name == "add"
