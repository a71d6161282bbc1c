"""Variables: values, operators, rejected assignments."""

import copy
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import initializers
from cornu.core.state.variable import Variable
from cornu.types import InitializerName
from tests.processes import run_program


def test_operators_use_the_value():
    v = Variable([1.0, 2.0], name="v")
    assert (v * 2 + 1).tolist() == [3.0, 5.0]
    assert (1 - v).tolist() == [0.0, -1.0]
    assert (v @ v).tolist() == 5.0
    assert (v > 1.5).tolist() == [False, True]
    assert v[1].tolist() == 2.0
    assert (-v).tolist() == [-1.0, -2.0]


def test_dtype_defaults():
    assert Variable([1.0], name="f").dtype == "float32"
    assert Variable([1, 2], name="i").dtype == "int32"
    assert Variable(np.zeros(2, "int8"), name="n").dtype == "int8"
    assert Variable(lambda shape, dtype: np.ones(shape, dtype), shape=3, name="c").shape == (3,)


def test_assigning_another_shape_is_rejected():
    v = Variable([1.0, 2.0], name="v")
    with pytest.raises(ValueError, match=r"'v' has shape \(2,\); a value of shape \(3,\)"):
        v.assign([1.0, 2.0, 3.0])


def test_assign_converts_the_dtype():
    v = Variable([1.0, 2.0], name="v")
    v.assign(np.array([3, 4]))
    assert v.numpy().tolist() == [3.0, 4.0] and v.dtype == "float32"
    v.assign_add(1)
    v.assign_sub([1.0, 2.0])
    assert v.numpy().tolist() == [3.0, 3.0]


def test_an_initializer_needs_a_shape():
    with pytest.raises(ValueError, match="requires `shape=`"):
        Variable(lambda shape, dtype: np.ones(shape, dtype), name="v")


def test_two_copies_share_no_buffer():
    v = Variable([1.0, 2.0], name="v")
    w = copy.deepcopy(v)
    w.assign([0.0, 0.0])
    assert v.numpy().tolist() == [1.0, 2.0]


def test_variables_are_hashable_and_arrays_for_numpy():
    v = Variable([1.0, 2.0], name="v")
    assert len({v, v}) == 1
    assert np.asarray(v).tolist() == [1.0, 2.0]
    assert jnp.concatenate([v.value, v.value]).shape == (4,)
    assert len(v) == 2 and v.ndim == 1 and v.size == 2
    assert "path=v" in repr(v)


def test_bad_names_and_roles():
    with pytest.raises(ValueError, match="cannot contain"):
        Variable(1.0, name="a/b")
    with pytest.raises(ValueError, match="role must be one of"):
        Variable(1.0, name="a", role="weight")


def test_assigning_another_variables_value_shares_no_buffer():
    a, b = Variable([1.0, 2.0], name="a"), Variable([0.0, 0.0], name="b")
    b.assign(a)
    assert b.stored is not a.stored
    given = np.array([5.0, 6.0], "float32")
    b.assign(given)
    given[0] = 7.0
    assert b.numpy().tolist() == [5.0, 6.0]


def test_every_initializer_has_a_name():
    for name in get_args(InitializerName):
        if name == "stft":  # its shapes are those of a short-time Fourier transform
            continue
        value = Variable(name, shape=(3, 3), dtype="float32", name="v").numpy()
        expected = initializers.get(name)((3, 3), "float32")
        assert value.shape == (3, 3) and value.dtype == np.float32
        if name in ("ones", "one", "zeros", "zero", "constant", "identity"):
            assert np.array_equal(value, expected), name
        else:
            assert value.std() > 0, name
    with pytest.raises(ValueError, match="Unknown initializer 'onse'"):
        Variable("onse", shape=(2,))
    with pytest.raises(ValueError, match="requires `shape=`"):
        Variable("ones")


def test_names_are_found_before_their_package_is_imported():
    run_program(
        "import cornu\nassert cornu.Variable('ones', shape=(2,)).numpy().tolist() == [1, 1]\n"
    )
    run_program(
        "import cornu\n"
        "layer = cornu.Layer(activity_regularizer='l2')\n"
        "layer.add_weight((2, 2), regularizer='l1', constraint='non_neg')\n"
        "assert [type(w.constraint).__name__ for w in layer.weights] == ['NonNeg']\n"
    )


@pytest.mark.parametrize(
    "initial",
    [3, 3.0, True, np.float32(3), np.full(2, 3.0), jnp.full(2, 3), [3, 3], (3.0, 3.0), "ones"],
)
def test_add_weight_takes_what_a_variable_takes(initial):
    weight = cornu.Layer().add_weight((2,), initial)
    expected = 1.0 if initial is True or isinstance(initial, str) else 3.0
    assert weight.dtype == "float32" and weight.numpy().tolist() == [expected, expected]


def test_an_initializer_may_return_numbers():
    assert Variable(lambda shape, dtype: 2.0, shape=()).numpy() == 2.0
    assert Variable(lambda shape, dtype=None: [1, 2], shape=(2,)).dtype == "float32"
    with pytest.raises(ValueError, match=r"returned shape \(\)\. Expected: \(2,\)"):
        Variable(lambda shape, dtype: 2.0, shape=(2,))


def test_an_initial_value_must_fit_the_shape():
    with pytest.raises(ValueError, match=r"shape \(2, 2\) cannot be broadcast to shape \(3,\)"):
        Variable(np.ones((2, 2)), shape=(3,))


@pytest.mark.parametrize("argument", ["aggregation", "synchronization"])
def test_closed_sets_of_names(argument):
    assert getattr(Variable(1.0, **{argument: None}), argument) == "none"
    with pytest.raises(ValueError, match=f"{argument} must be one of \\(None, 'none'.*'bad'"):
        Variable(1.0, **{argument: "bad"})


def test_attributes_that_are_not_functions_are_rejected():
    v = Variable(1.0)
    for name in ("regularizer", "constraint"):
        with pytest.raises(ValueError, match=f"The {name} of a Variable must be a function"):
            setattr(v, name, "l2")
    with pytest.raises(TypeError, match="must be True or False"):
        v.overwrite_with_gradient = 1
    v.regularizer = v.constraint = None


def test_the_value_is_placed_by_the_layout():
    place = jax.sharding.SingleDeviceSharding(jax.devices()[-1])
    assert Variable("ones", (2,), layout=place).value.sharding == place


def test_iteration_ends():
    assert [float(item) for item in Variable([1.0, 2.0])] == [1.0, 2.0]
    with pytest.raises(TypeError, match="0-d"):
        iter(Variable(1.0))
    with pytest.raises(IndexError, match="index 2 is out of bounds for axis 0"):
        Variable([1.0, 2.0])[2]


def test_attributes_of_the_program():
    v = Variable([1.0])
    v.group = ["a"]
    w = copy.deepcopy(v)
    assert w.group == ["a"] and w.group is not v.group


def test_arrays_of_64_bits_need_no_warning(recwarn):
    assert Variable(np.ones(2, "int64")).dtype in ("int32", "int64")
    assert not recwarn
