"""Inside: what a model offers to those who look into it; the work is done elsewhere."""

from __future__ import annotations

from typing import Any

from cornu import inspect
from cornu.models.flatten import flatten
from cornu.models.outputs_of import outputs_of
from cornu.models.trainer import Trainer

__all__ = ["Inside"]


class Inside(Trainer):
    """The part of a Model that can be looked into."""

    def _kinds(self) -> tuple[type, type]:
        """Returns the classes of drawn models, and of models that record others."""
        raise NotImplementedError

    def outputs_of(self, what: Any) -> Any:
        """Returns a model from the same inputs to the outputs of some layers or blocks inside.

        It shares all layers and weights. Called on arrays it returns a dict of arrays by path, in
        the order of the model; if one thing was asked for by its exact name, the array itself.
        What is called several times comes as `path`, `path@1`, ...

        Of a drawn model it is `Model(inputs, outputs)`, whose `output` may be drawn on. This holds
        for what is inside models inside, too. Of a model that defines `call` it is one that runs
        it, compiled, and keeps what its layers return.

        Args:
            what: a name, path, pattern or layer, or a list of them, as in
                `cornu.inspect.find`. Of a block, what it hands to the rest of the model.

        Raises:
            ValueError: there is no such part, or a name means several.

        Example:

        >>> import cornu, numpy as np
        >>> from cornu import layers
        >>> def block(x):
        ...     return layers.ReLU()(layers.Dense(2)(x))
        >>> x = cornu.Input((3,))
        >>> model = cornu.Model(x, layers.Dense(1)(block(block(x))))
        >>> features = model.outputs_of("block*/re_lu*")
        >>> {path: array.shape for path, array in features(np.ones((5, 3))).items()}
        {'block/re_lu': (5, 2), 'block_1/re_lu_1': (5, 2)}
        >>> model.outputs_of("block")(np.ones((5, 3))).shape
        (5, 2)

        Differences: in Keras such a model is drawn by hand, cannot look into models inside, and
        does not exist for subclasses.
        """
        return outputs_of(self, what, *self._kinds())

    def flatten(self) -> Any:
        """Returns an equal Functional model in which models inside are dissolved.

        All layers, also those of models inside of models inside, are nodes of one graph, so that
        any Tensor of it may be an input or output of a further model. The weights are shared. A
        model inside becomes a block of its name with its own blocks below, so that paths stay
        what they were. A layer's name stays too, unless a layer outside has it: then the names of
        the models that it was in stand before it.

        Raises:
            ValueError: the model is not drawn.

        Example:

        >>> import cornu, jax, numpy as np
        >>> from cornu import layers
        >>> encoder = cornu.Sequential(
        ...     [cornu.Input((8,)), layers.Dense(4, name="code")], name="enc"
        ... )
        >>> x = cornu.Input((8,), name="x")
        >>> flat = cornu.Model(x, layers.Dense(2, name="classes")(encoder(x))).flatten()
        >>> [layer.name for layer in flat.layers]
        ['x', 'code', 'classes']

        Gradients with respect to what is inside, as for GradCAM, need a model up to there and one
        from there on:

        >>> code = flat.outputs_of("enc/code")
        >>> rest = cornu.Model(code.output, flat.output)
        >>> features = code(np.ones((1, 8), "float32"))
        >>> jax.grad(lambda features: rest(features)[0, 1])(features).shape
        (1, 4)

        Differences: Keras has nothing like it. A model inside stays whole if it is not drawn, if
        its class defines `call`, or if it has an activity regularizer. The order of `weights` may
        be another one, and with it the random numbers of Dropout.
        """
        return flatten(self, self._kinds()[0])

    def statistics(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        training: bool = False,
        what: Any = None,
    ) -> inspect.Statistics:
        """Returns how the outputs, weights and gradients of the layers are distributed.

        See `cornu.inspect.statistics`.
        """
        return inspect.statistics(self, x, y, sample_weight, training, what)
