"""Variables: values, operators, refused assignments."""

import copy

import jax.numpy as jnp
import numpy as np
import pytest

from cornu.core.state.variable import Variable


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


def test_assigning_another_shape_is_refused():
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
