"""Sparse arrays: ops compute with them, models and layers convert them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from jax.experimental.sparse import BCOO, BCSR

import cornu
from cornu import layers, ops
from cornu.core.graph import sparse
from tests.sampling import slow_except

DENSE = np.array([[0, 0.5, 0], [0.25, 0, -0.75]], "float32")
SPARSE = BCOO.fromdense(DENSE, nse=5)  # padded with entries outside of the array
TWICE = BCOO((jnp.array([0.25, 0.25, 0.5]), jnp.array([[0, 1], [0, 1], [1, 0]])), shape=(2, 3))
OTHER = np.arange(1, 7, dtype="float32").reshape(3, 2)
FORMATS = {
    "BCOO": lambda x: BCOO.fromdense(x),
    "batched BCOO": lambda x: BCOO.fromdense(x, n_batch=1),
    "BCSR": lambda x: BCSR.fromdense(x),
    "SciPy matrix": lambda x: scipy.sparse.csr_matrix(x),
    "SciPy array": lambda x: scipy.sparse.coo_array(x),
}
# Further arguments of ops; the others have one.
ARGUMENTS = {
    "cast": ("int32",),
    "expand_dims": (0,),
    "reshape": ((3, 2),),
    "tensordot": (OTHER, 1),
    **dict.fromkeys(("matmul", "dot"), (OTHER,)),
    **dict.fromkeys(("divide", "true_divide"), (np.float32(2),)),
    **dict.fromkeys("add multiply maximum minimum equal not_equal".split(), (DENSE,)),
    **dict.fromkeys("greater greater_equal less less_equal".split(), (DENSE,)),
    "subtract": (SPARSE,),
}
SPECIAL = {
    "concatenate": lambda x: ops.concatenate([x, x]),
    "einsum": lambda x: ops.einsum("ij,jk->ik", x, OTHER),
}
NAMES = sorted(sparse._OF_VALUES | sparse._BY_RULES | sparse._DENSE)


@pytest.mark.parametrize("name", slow_except(NAMES, "square add matmul sum exp divide".split()))
def test_ops_compute_with_sparse_arrays(name):
    def call(x):
        return SPECIAL[name](x) if name in SPECIAL else getattr(ops, name)(x, *arguments)

    arguments = ARGUMENTS.get(name, ())
    for x in (SPARSE, TWICE):
        found = call(x)
        assert isinstance(found, BCOO) or name not in sparse._OF_VALUES
        np.testing.assert_allclose(
            sparse.to_dense(found), sparse.to_dense(call(jnp.asarray(x.todense()))), 1e-5
        )


def test_ops_compute_with_sparse_arrays_in_compiled_functions():
    call = jax.jit(lambda x: ops.matmul(ops.relu(x), OTHER))
    np.testing.assert_allclose(call(SPARSE), np.maximum(DENSE, 0) @ OTHER, 1e-5)


def test_other_ops_say_how_to_convert_a_sparse_array():
    for call in (
        ops.sort,
        ops.cumsum,
        ops.flip,
        lambda x: ops.sort(scipy.sparse.csr_matrix(DENSE)),
    ):
        with pytest.raises(TypeError, match=r"todense\(\)"):
            call(SPARSE)


def test_conversions():
    assert ops.convert_to_tensor(SPARSE) is SPARSE
    assert ops.convert_to_tensor(SPARSE, "float16").dtype == "float16"
    assert ops.is_tensor(SPARSE)
    assert ops.shape(SPARSE) == (2, 3)
    for array in (ops.convert_to_tensor(SPARSE, sparse=False), ops.convert_to_numpy(SPARSE)):
        np.testing.assert_array_equal(array, DENSE)


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(2)

    def call(self, x):
        return self.head(x)


def functional(**kwargs):
    inputs = cornu.Input((3,), name="x", **kwargs)
    return cornu.Model(inputs, layers.Dense(2)(inputs))


@pytest.mark.parametrize("kind", slow_except(FORMATS, ["BCOO", "SciPy matrix"]))
def test_models_and_layers_take_sparse_arrays(kind):
    x = FORMATS[kind](DENSE)
    for model in (functional(), functional(sparse=True), Subclassed(), layers.Dense(2)):
        np.testing.assert_allclose(model(x), model(DENSE), 1e-6)
    model = cornu.Sequential([layers.Dense(2)])
    np.testing.assert_allclose(model(x), model(DENSE), 1e-6)
    a, b = cornu.Input((3,), sparse=True), cornu.Input((3,))
    model = cornu.Model({"a": a, "b": b}, layers.Add()([a, b]))
    np.testing.assert_allclose(model({"a": x, "b": DENSE}), 2 * DENSE, 1e-6)


def test_sparse_inputs_keep_their_attribute(tmp_path):
    model = functional(sparse=True)
    model.compile("sgd", "mse")
    model.fit(SPARSE, np.ones((2, 2)), verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.predict(SPARSE, verbose=0), model(DENSE), 1e-5)
    copies = (
        model,
        loaded,
        cornu.models.clone_model(model),
        cornu.Model.from_config(model.get_config()),
    )
    assert all(copy.inputs[0].sparse for copy in copies)
    assert cornu.KerasTensor((2,), sparse=True).sparse
    assert not cornu.Input((3,)).sparse
