"""Runs an optimizer of cornu and the one of the same name in Keras side by side."""

import keras
import numpy as np

import cornu
from tests.compiling import jit_reference

SHAPES = {"kernel": (3, 4), "bias": (4,), "conv": (2, 2, 2, 3), "gain": (), "embeddings": (4, 3)}


def starts():
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}


def gradients(step, scale=1.0):
    """One gradient for each Variable, others in each step."""
    rng = np.random.default_rng(100 + step)
    return [(scale * rng.normal(size=shape)).astype("float32") for shape in SHAPES.values()]


def variables(library, **values):
    """Variables of cornu or Keras, by default one of each shape."""
    return [library.Variable(value, name=name) for name, value in (values or starts()).items()]


def pair(name, **arguments):
    """The optimizers of cornu and of Keras; an argument that is a function gets the library."""
    return [
        getattr(library.optimizers, name)(
            **{
                key: value(library) if callable(value) else value
                for key, value in arguments.items()
            }
        )
        for library in (cornu, keras)
    ]


def check_same(ours, theirs, steps=4, rtol=1e-5, atol=1e-6):
    """Makes steps with both; all Variables, of the model and of the optimizer, must agree."""
    models = variables(cornu), variables(keras)
    theirs.build(models[1])
    # Compiled, since Keras compiles the branches of accumulation again in every eager step.
    step = jit_reference(theirs.stateless_apply)
    values, state = ([v.value for v in found] for found in (models[1], theirs.variables))
    for number in range(steps):
        ours.apply(gradients(number), models[0])
        values, state = step(state, gradients(number), values)
        check_equal([*models[0], *ours.variables], [*values, *state], rtol, atol)
    for variable, value in zip([*models[1], *theirs.variables], [*values, *state], strict=True):
        variable.assign(value)
    for optimizer, model in zip((ours, theirs), models, strict=True):
        optimizer.finalize_variable_values(model)
    check_equal(models[0], models[1], rtol, atol)


def check_equal(ours, theirs, rtol=1e-5, atol=1e-6):
    assert [v.shape for v in ours] == [v.shape for v in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol, atol, err_msg=a.path)
