"""What the class of a layer declares: its input, its masks, and the shape of its output."""

import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)


def _ids(library):
    return library.__name__


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_the_class_declares_the_input(library):
    class Pairs(library.layers.Layer):
        input_spec = library.layers.InputSpec(shape=(None, 2))

        def call(self, x):
            return x

    assert Pairs()(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(ValueError, match="shape"):
        Pairs()(np.ones((1, 3)))


def _masking_classes(library):
    class Defines(library.layers.Layer):
        def compute_mask(self, inputs, previous_mask):
            return previous_mask

    class Mixin:
        def compute_mask(self, inputs, previous_mask):
            return previous_mask

    class Mixed(Mixin, library.layers.Layer):
        pass

    class Neither(library.layers.Layer):
        pass

    class Declares(library.layers.Layer):
        supports_masking = True

    class Inherits(Defines):
        pass

    class Assigns(library.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

    return Defines, Mixed, Neither, Declares, Inherits, Assigns


def test_layers_support_masks_by_the_rules_of_keras():
    ours = [cls().supports_masking for cls in _masking_classes(cornu)]
    # In Keras, a property keeps a subclass from declaring it in the class and creating an object.
    theirs = [
        cls().supports_masking for cls in _masking_classes(keras) if cls.__name__ != "Declares"
    ]
    assert ours == [True, True, False, True, True, True]
    assert theirs == [True, True, False, True, True]


def test_a_class_that_refuses_masks_and_its_subclasses_do_not_support_them():
    class Refuses(cornu.Layer):
        supports_masking = False

        def compute_mask(self, inputs, previous_mask):
            return previous_mask

    class Inherits(Refuses):
        pass

    class Again(Refuses):
        def compute_mask(self, inputs, previous_mask):
            return None

    assert [cls().supports_masking for cls in (Refuses, Inherits, Again)] == [False, False, True]


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_the_declared_shape_is_used_where_the_call_needs_a_size(library):
    class Doubled(library.layers.Layer):
        def call(self, x):
            if x.shape[1] is None or not isinstance(x.shape[1], int) or x.shape[1] > 100:
                raise TypeError("the size is not known")
            return library.ops.concatenate([x, x], axis=1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], None, input_shape[2])

    x = library.Input((None, 3))
    y = Doubled()(x)
    assert y.shape == (None, None, 3)
    model = library.Model(x, y)
    assert model(np.ones((2, 4, 3), "float32")).shape == (2, 8, 3)


def test_an_overridden_call_may_have_other_inputs():
    class Pair(cornu.layers.Dense):
        def build(self, a_shape, b_shape):
            super().build(a_shape)

        def call(self, a, b):
            return super().call(a) + b

    class Same(cornu.layers.Dense):
        def call(self, inputs):
            return super().call(inputs)

    class Inherited(cornu.layers.Dense):
        pass

    for shape in (
        Pair(4).compute_output_shape(a_shape=(2, 3), b_shape=(2, 4)),
        Pair(4).compute_output_shape((2, 3), (2, 4)),
        Same(4).compute_output_shape((2, 3)),
        Inherited(4).compute_output_shape(input_shape=(2, 3)),
    ):
        assert shape == (2, 4)
    assert "compute_output_shape" not in Pair._overridden_ | Same._overridden_
