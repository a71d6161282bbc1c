"""Functions of NumPy, JAX and other libraries on symbolic Tensors."""

import inspect
import math
import operator
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor

VALUE = np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]], "float32")
SQUARE = np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4], [0.7, 0.8, 0.9]], "float32")


def names_in(module, kind):
    return sorted(name for name in dir(module) if isinstance(getattr(module, name), kind))


@pytest.mark.slow
def test_every_ufunc_of_numpy_with_an_op_computes_what_numpy_does():
    x, outputs, expected, refused = Tensor((3, 3)), [], [], []
    integers = Tensor((3, 3), "int32")
    values = {x: SQUARE, integers: (SQUARE * 10).astype("int32")}
    for name in names_in(np, np.ufunc):
        ufunc = getattr(np, name)
        for tensor in (x, integers):
            try:
                with np.errstate(all="ignore"):
                    wanted = ufunc(*[values[tensor]] * ufunc.nin)
            except TypeError:
                continue  # not a function of this dtype
            try:
                outputs.append(ufunc(*[tensor] * ufunc.nin))
                expected.append(wanted)
            except TypeError as error:
                assert "it is symbolic" in str(error), name
                refused.append(name)
            break
    found = Graph([x, integers], outputs).run(list(values.values()))
    for one, wanted, tensor in zip(found, expected, outputs, strict=True):
        assert np.allclose(one, wanted, rtol=1e-4, atol=1e-5, equal_nan=True), tensor.node
    assert len(expected) > 60 and len(refused) < 25, refused


FUNCTIONS = {
    "all": lambda f, x: f.all(x > 0, axis=1),
    "amax": lambda f, x: f.amax(x, axis=0),
    "argsort": lambda f, x: f.argsort(x, axis=-1),
    "astype": lambda f, x: f.astype(x, "int32"),
    "broadcast_to": lambda f, x: f.broadcast_to(x, (4, 2, 3)),
    "clip": lambda f, x: f.clip(x, 0.2, 0.5),
    "concatenate": lambda f, x: f.concatenate([x, np.ones((2, 1), "float32")], axis=1),
    "cumsum": lambda f, x: f.cumsum(x, axis=1),
    "einsum": lambda f, x: f.einsum("ij,kj->ik", x, x),
    "expand_dims": lambda f, x: f.expand_dims(x, 0),
    "linalg": lambda f, x: f.linalg.norm(x, axis=1),
    "mean": lambda f, x: f.mean(x, axis=1, keepdims=True),
    "ndim": lambda f, x: f.ones(f.ndim(x)),
    "reshape": lambda f, x: f.reshape(x, (3, 2)),
    "round": lambda f, x: f.round(x, 1),
    "shape": lambda f, x: f.ones(f.shape(x)),
    "stack": lambda f, x: f.stack([x, x]),
    "sum": lambda f, x: f.sum(x),
    "take": lambda f, x: f.take(x, 1, axis=1),
    "where": lambda f, x: f.where(x > 0.3, x, 0.0),
}


def test_functions_of_numpy_record_ops():
    x = Tensor((2, 3))
    outputs = [ops.convert_to_tensor(function(np, x)) for function in FUNCTIONS.values()]
    symbolic = {n: y for n, y in zip(FUNCTIONS, outputs, strict=True) if isinstance(y, Tensor)}
    assert set(FUNCTIONS) - set(symbolic) == {"ndim", "shape"}
    found = Graph([x], list(symbolic.values())).run([VALUE])
    for name, one in zip(symbolic, found, strict=True):
        assert np.allclose(one, FUNCTIONS[name](np, VALUE), rtol=1e-5), name


def test_operators_of_arrays_record_the_operators_of_tensors():
    x = Tensor((None, 3))
    names = "add sub mul truediv floordiv mod pow lt le gt ge eq ne and_ or_ xor".split()
    for name in names:
        function = getattr(operator, name)
        for array in (np.ones(3, "float32"), np.float32(2), jnp.ones(3)):
            recorded = function(array, x).node
            assert recorded.name == function(2.0, x).node.name, name
    array = np.ones((4, 3), "float32")
    array += Tensor((4, 3))
    assert array.node.name == "add"


def test_bitwise_functions_are_not_the_logical_operators():
    x, bits = Tensor((3,), "int32"), np.array([1, 2, 3], "int32")
    both = [np.bitwise_and(bits, x), bits & x]
    assert [t.dtype for t in both] == ["int32", "bool"]


def program(line):
    """Returns a function that runs a line, whose source is found as that of a program's."""
    import linecache

    file = f"<line {line}>"
    linecache.cache[file] = (len(line), None, [line + "\n"], file)
    code = compile(line, file, "eval")
    return lambda **names: eval(code, {"jax": jax, "jnp": jnp, "np": np, "math": math, **names})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("jnp.sin(x)", r"Use `cornu.ops.sin` instead of `jnp.sin`"),
        ("jnp.sin(jnp.cos(x))", r"Use `cornu.ops.cos` instead of `jnp.cos`"),
        ("jnp.concatenate([x, x])", r"Use `cornu.ops.concatenate`"),
        ("jnp.where(x > 0, x, 0)", r"Use `cornu.ops.where`"),
        ("jnp.linalg.norm(x)", r"Use `cornu.ops.norm`"),
        ("jax.nn.relu(x)", r"Use `cornu.ops.relu` instead of `jax.nn.relu`"),
        ("jax.nn.softmax(x)", r"Use `cornu.ops.softmax`"),
        ("jax.lax.exp(x)", r"Use `cornu.ops.exp`"),
        ("jax.lax.lgamma(x)", r"`cornu.op\(jax.lax.lgamma\)` converts"),
        ("jax.jit(lambda a: a * 2)(x)", r"`cornu.op\(function\)` converts"),
        ("(lambda f: f(x))(jnp.tanh)", r"Use `cornu.ops.tanh` instead of `f`"),
        ("math.sqrt(x)", r"Use `cornu.ops.sqrt` instead of `math.sqrt`"),
        ("np.add.reduce(x)", r"cannot be an argument of add.reduce"),
        ("np.random.default_rng(0).permutation(x)", r"symbolic"),
        ("np.cov(x)", r"cannot be an argument of cov"),
        ("float(x)", r"Build a model from it"),
        ("x.mean()", r"Use `cornu.ops.mean\(x\)`"),
        ("x.T", r"Use `cornu.ops.transpose\(x\)`"),
    ],
)
def test_the_error_names_what_to_write(line, message):
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        program(line)(x=Tensor((3,)))


@pytest.mark.slow  # imports torch
def test_a_function_of_torch_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"Use `cornu.ops.sin` instead of `torch.sin`"):
        program("torch.sin(x)")(x=Tensor((None, 3)), torch=torch)


def test_layers_of_the_user_compute_with_any_function():
    class Sine(cornu.Layer):
        def call(self, inputs):
            return jnp.sin(inputs)

    x = cornu.Input((3,))
    assert np.allclose(cornu.Model(x, Sine()(x))(VALUE), np.sin(VALUE), rtol=1e-5)


def test_models_with_functions_of_numpy_are_saved(tmp_path):
    x = cornu.Input((3,))
    model = cornu.Model(x, np.sin(np.concatenate([x, 2 * x], axis=-1)))
    model.save(tmp_path / "m.keras")
    loaded = cornu.models.load_model(tmp_path / "m.keras")
    assert np.allclose(loaded(VALUE), model(VALUE))


def test_objects_that_search_attributes_see_none_of_these():
    x = Tensor((3,))
    assert not hasattr(x, "__jax_array__") and not hasattr(x, "_repr_html_")
    assert pickle.loads(pickle.dumps(x)).shape == (3,)
    assert dict(inspect.getmembers(x))["ndim"] == 1
