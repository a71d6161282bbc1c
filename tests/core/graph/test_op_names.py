"""Names of ops: a function of the program may have the name of an op of the library."""

import operator

import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.sparse import BCOO

import cornu
from cornu import ops
from cornu.core.graph.op import Op, library_op_name
from cornu.core.graph.operators import _BINARY, _COMPARE, _UNARY

X = np.full((2, 4), 3.0, "float32")


class Product(cornu.Operation):
    def call(self, a, b):
        return a * b


# Products by the name of a sum.
PRODUCTS = {
    "a function": lambda: cornu.op(lambda a, b: a * b, name="add"),
    "a function of JAX": lambda: cornu.op(jnp.multiply, name="add"),
    "an op": lambda: cornu.op(ops.multiply, name="add"),
    "an operation": lambda: Product(name="add"),
}


def _own(name):
    return cornu.op(lambda x: x - x.mean(axis=0, keepdims=True), name=name)


def test_ops_of_the_library_are_known_by_their_names():
    packages = (ops, ops.image, ops.linalg, ops.nn, ops.numpy)
    functions = {name: getattr(p, name) for p in packages for name in p.__all__}
    found = {name: f.op for name, f in functions.items() if isinstance(getattr(f, "op", None), Op)}
    assert len(found) > 300
    assert [name for name, op in found.items() if not op.library_name] == []


@pytest.mark.parametrize("dunder", [*_BINARY, *_COMPARE, *_UNARY])
def test_operators_are_known_by_the_names_of_their_ops(dunder):
    x = cornu.Input((4,), dtype="bool" if dunder in ("and", "or", "xor", "invert") else "float32")
    method = getattr(operator, f"__{dunder}__", None) or getattr(x, f"__{dunder}__")
    node = (method(x) if dunder in _UNARY else method(x, x)).node
    assert library_op_name(node.op) == node.name


def test_methods_of_tensors_are_known_by_the_names_of_their_ops():
    x = cornu.Input((4,))
    for tensor in (x[:, 0], round(x), x.reshape((-1, 2, 2)), x.squeeze()):
        assert library_op_name(tensor.node.op) == tensor.node.name


@pytest.mark.parametrize("make", PRODUCTS.values(), ids=PRODUCTS)
def test_a_function_of_the_program_is_not_taken_for_the_op_of_its_name(make):
    x, y = cornu.Input((4,)), cornu.Input((4,))
    product = make()(x, y)
    assert product.node.name == "add" and library_op_name(product.node.op) == ""
    model = cornu.Model([x, y], product)
    custom = {"add": make(), "Product": Product}
    copy = cornu.Model.from_config(model.get_config(), custom_objects=custom)
    assert np.allclose(copy([X, X]), 9)
    assert not model.functional_graph.rowwise()


def test_a_file_with_a_function_of_the_program_is_not_read_as_the_op_of_its_name():
    x = cornu.Input((4,))
    config = cornu.Model(x, PRODUCTS["a function"]()(x, x)).get_config()
    with pytest.raises(ValueError, match=r"custom_objects=\{'add': cornu.op"):
        cornu.Model.from_config(config)


def test_a_function_of_the_program_has_no_rule_for_sparse_arrays():
    sparse = BCOO.fromdense(jnp.asarray(X))
    with pytest.raises(TypeError, match="sparse"):
        PRODUCTS["a function"]()(sparse, sparse)


def test_checks_do_not_take_a_function_for_the_activation_of_its_name():
    x = cornu.Input((4,))
    outputs = cornu.layers.Dense(1)(x)
    for name in ("softmax", "sigmoid"):
        model = cornu.Model(x, _own(name)(outputs))
        model.compile(loss=cornu.losses.BinaryCrossentropy(from_logits=True))
        assert [f.code for f in model.check(X, np.ones((2, 1))) if f.code < "C020"] == []
    model = cornu.Model(x, ops.softmax(outputs))
    assert "C012" in [f.code for f in model.check()]


def test_a_truth_value_is_that_of_the_operator():
    x, y = cornu.Input((4,)), cornu.Input((4,))
    assert not (x == y) and bool(x == x)
    with pytest.raises(TypeError, match="truth value"):
        bool(cornu.op(lambda a, b: a - b, name="equal")(x, x))


@pytest.mark.parametrize("kind", ["layer", "op"])
def test_only_masks_are_taken_for_masks(kind):
    x = cornu.Input((4,))
    call = cornu.layers.Dense(4, name="compute_mask")
    if kind == "op":
        call = cornu.op(lambda x: x + 1, name="compute_mask")
    model = cornu.Model(x, cornu.layers.Dense(2)(call(x)))
    names = [item.name for item in cornu.inspect.outline(model).walk()]
    assert "compute_mask" in names
    copy = cornu.Model.from_config(model.get_config(), custom_objects={"compute_mask": call})
    copy.set_weights(model.get_weights())
    assert np.allclose(copy(X), model(X), atol=1e-6)
    clone = cornu.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.allclose(clone(X), model(X), atol=1e-6)
