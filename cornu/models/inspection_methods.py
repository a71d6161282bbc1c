"""InspectionMethods: blocks, sub-models, pure functions, summaries and checks of a Model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cornu import inspect
from cornu.core.graph.block import Block
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.checks import Report
from cornu.models.flatten import flatten
from cornu.models.functional import FunctionalGraph
from cornu.models.outputs_of import outputs_of
from cornu.models.pure import Pure, assign, pure
from cornu.models.submodel import cut
from cornu.models.training_methods import TrainingMethods
from cornu.training import preflight

__all__ = ["InspectionMethods"]


class InspectionMethods(TrainingMethods):
    """The methods of a Model that show or take apart what it computes; the work is elsewhere."""

    def _model_classes(self) -> tuple[type, type]:
        """Returns the classes of drawn models, and of models that record others."""
        raise NotImplementedError

    @property
    def blocks(self) -> Block:
        """The tree of the user's functions that drew the model."""
        return self._require_graph("blocks").graph.root

    @api_boundary
    def block(self, path: str) -> Any:
        """Returns what one of the user's functions drew, as a model that shares its weights.

        Args:
            path: the path of a block, as the summary shows it, or its end; see
                `cornu.inspect.find`. Blocks of models inside are found as well.

        Raises:
            ValueError: there is no such block, or there are several.

        Example:

        >>> import cornu
        >>> def unit(x):
        ...     return cornu.layers.Dense(3, "relu")(x)
        >>> x = cornu.Input((3,))
        >>> model = cornu.Model(x, unit(unit(x)))
        >>> second = model.block("unit_1")
        >>> second.output_shape, second.count_params()
        ((None, 3), 12)
        >>> second.trainable = False
        >>> len(model.trainable_variables)
        2
        """
        return cut(inspect.find_one(self, path, kinds=("block",)), self._model_classes()[0])

    @api_boundary
    def remat(self, pattern: Any = "**", on: bool = True) -> Any:
        """Lets blocks compute their values again for the gradient, instead of keeping them.

        Training then needs less memory and more time; its results do not change.

        Args:
            pattern: the path of a block, or a pattern such as `"stage_*/bottleneck*"`; see
                `cornu.inspect.find`. By default all blocks.
            on: whether they are to do so.

        Returns:
            The model.

        Raises:
            ValueError: there is no such block.
        """
        for item in inspect.find(self, pattern, kinds=("block",)):
            if item.block is not None:
                item.block.remat = on
        self.trainer.programs.clear()
        return self

    def _require_graph(self, what: str) -> FunctionalGraph:
        """Returns the drawing, or raises an AttributeError if there is none."""
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
        return outputs_of(self, what, *self._model_classes())

    def layers_of(self, what: Any) -> list[Layer]:
        """Returns the layers that a name, path or pattern means, each once.

        Args:
            what: a name, path, pattern or layer, or a list of them, as in `cornu.inspect.find`. Of
                a block, all layers in it.

        Raises:
            ValueError: there is no such part, or a name means several.

        Example:

        >>> import cornu
        >>> from cornu import layers
        >>> x = cornu.Input((3,))
        >>> model = cornu.Model(x, layers.Dense(1, name="head")(layers.Dense(2, name="one")(x)))
        >>> for layer in model.layers_of("*"):
        ...     layer.trainable = layer.name == "head"
        >>> [v.path for v in model.trainable_variables]
        ['head/kernel', 'head/bias']
        """
        items = inspect.find(self, what)
        found = {id(layer): layer for item in items for layer in item.layers}
        return list(found.values())

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
        return flatten(self, self._model_classes()[0])

    @api_boundary
    def pure(self) -> Pure:
        """Returns the model as `(params, state, apply)`: arrays, and a function of them.

        `params` and `state` are dicts of arrays by path, as the summary and saved files name
        them: what `jax.grad`, optax and orbax take. `params` are those that training changes now;
        `state` are the rest. `apply` has no side effects, and may be given to any transformation
        of JAX: `apply(params, state, x, training=..., key=...)` returns `(outputs, state)`; see
        `cornu.models.pure.Apply`. With the same key it draws the numbers that a training step
        with this key draws. `assign` puts arrays back into the model.

        Raises:
            ValueError: the model is not built.

        Example:

        >>> import cornu, jax
        >>> import numpy as np
        >>> x = cornu.Input((2,))
        >>> h = cornu.layers.BatchNormalization()(cornu.layers.Dense(3)(x))
        >>> model = cornu.Model(x, cornu.layers.Dense(1)(h))
        >>> params, state, apply = model.pure()
        >>> sorted(params)[-2:], sorted(state)[0]
        (['dense_1/bias', 'dense_1/kernel'], 'batch_normalization/moving_mean')
        >>> def loss(params, state, x):
        ...     y, state = apply(params, state, x, training=True)
        ...     return (y**2).mean(), state
        >>> gradients, state = jax.grad(loss, has_aux=True)(params, state, np.ones((4, 2)))
        >>> params = {path: w - 0.1 * gradients[path] for path, w in params.items()}
        >>> model.assign(params, state)

        Differences: not in Keras, whose `stateless_call` takes lists of arrays.
        """
        return pure(self)

    @api_boundary
    def assign(self, *parts: Mapping[str, Any]) -> None:
        """Sets weights from dicts of arrays by path, such as the params and state of `pure`.

        Weights that no dict names stay as they are.

        Raises:
            ValueError: a path is unknown or a shape differs; nothing is changed then.
        """
        assign(self, parts)

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

    def check(
        self,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        validation_data: Any = None,
        ignore: Iterable[str] = (),
    ) -> Report:
        """Looks for mistakes in the model, its recipe and some data, without training.

        Args:
            x, y, sample_weight, batch_size, validation_data: as in `fit`; without data only the
                model and its recipe are looked at.
            ignore: codes of findings to leave out.

        Returns:
            A Report: its findings have `code`, `severity` ("error", "warning", "info"), `path`,
            `place` (`file:line`) and `text`. It prints as a table. All codes are in
            `docs/checks.md`. Nothing is raised.

        Example:

        >>> import cornu
        >>> x = cornu.Input((4,))
        >>> model = cornu.Model(x, cornu.layers.Dense(3, name="head")(x))
        >>> model.compile("adam", "categorical_crossentropy")
        >>> finding = model.check()[0]
        >>> finding.code, finding.title, finding.path
        ('C010', 'cross-entropy on an output without activation', 'head')

        Differences: not in Keras. `fit` makes the cheap ones of these checks before its first
        step: it raises the errors, and warns with a `cornu.errors.ModelWarning`.
        """
        return preflight.check(
            self.trainer, x, y, sample_weight, batch_size, validation_data, ignore
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
        *,
        fold: bool = True,
        depth: int | None = None,
        flops: bool = False,
        memory: bool = False,
        dtype: bool = False,
        masks: bool = False,
        rates: bool = False,
    ) -> None:
        """Prints a table of the layers; see `cornu.inspect.summary`."""
        inspect.summary(
            self,
            line_length,
            positions,
            print_fn,
            expand_nested,
            show_trainable,
            layer_range,
            fold=fold,
            depth=depth,
            flops=flops,
            memory=memory,
            dtype=dtype,
            masks=masks,
            rates=rates,
        )

    def _repr_html_(self) -> str:
        """Returns the summary as notebooks show it."""
        return inspect.summary_html(self)
