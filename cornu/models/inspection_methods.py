"""InspectionMethods: blocks, sub-models, pure functions, summaries and checks of a Model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cornu import inspect
from cornu.core.graph.block import Block
from cornu.core.layer.layer import Layer
from cornu.core.state.overridable import overridable_property
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.checks import Report
from cornu.models.flatten import flatten
from cornu.models.functional import FunctionalGraph
from cornu.models.outputs_of import outputs_of
from cornu.models.pure import Pure, assign, pure
from cornu.models.step_methods import StepMethods
from cornu.models.submodel import cut
from cornu.training import preflight
from cornu.types import DataLike

__all__ = ["InspectionMethods"]


class InspectionMethods(StepMethods):
    """The methods of a Model that inspect it or derive other models; each delegates to a module."""

    def _model_classes_(self) -> tuple[type, type]:
        """Returns the classes of Functional models and of models that record layer outputs."""
        raise NotImplementedError

    @overridable_property
    def blocks(self) -> Block:
        """The tree of blocks: the calls of user functions that created the functional graph."""
        return self._require_graph_("blocks").graph.root

    @api_boundary
    def block(self, path: str) -> Any:
        """Returns a block as a model that shares its weights.

        Args:
            path: the path of a block, as the summary shows it, or the end of the path; see
                `cornu.inspect.find`. Blocks of nested models are found as well.

        Raises:
            ValueError: no block, or more than one, matches.

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
        return cut(inspect.find_one(self, path, kinds=("block",)), self._model_classes_()[0])

    @api_boundary
    def remat(self, pattern: Any = "**", on: bool = True) -> Any:
        """Makes blocks recompute their activations in the backward pass instead of storing them.

        Training needs less memory and more time; its results do not change. This is
        rematerialization (`jax.checkpoint`), or gradient checkpointing.

        Args:
            pattern: the path of a block, or a pattern such as `"stage_*/bottleneck*"`; see
                `cornu.inspect.find`. By default all blocks.
            on: False to store the activations again.

        Returns:
            The model.

        Raises:
            ValueError: no block matches.
        """
        for item in inspect.find(self, pattern, kinds=("block",)):
            if item.block is not None:
                item.block.remat = on
        self._trainer_.programs.clear()
        return self

    def _require_graph_(self, what: str) -> FunctionalGraph:
        """Returns the functional graph; raises an AttributeError if there is none."""
        raise NotImplementedError

    def outputs_of(self, what: Any) -> Any:
        """Returns a model from the same inputs to intermediate outputs of layers or blocks.

        The model shares all layers and weights. It returns a dict of arrays by path, in the order
        of the model, or a single array if `what` is an exact name or a layer. Layers that are
        called several times have the keys `path`, `path@1`, ...

        The result is a Functional model whose `output` can be used to build further models, also
        for layers of nested models. If one of the parts is inside a model or layer that defines
        `call`, the result runs the model (compiled) and records their outputs.

        Args:
            what: a name, path, pattern or layer, or a list of them, as in
                `cornu.inspect.find`. The outputs of a block are the Tensors used outside it. Parts
                that match a pattern are left out if they have no output of their own: layers that
                are not called, or called inside a loop of JAX, as the cell of an RNN; strings.

        Raises:
            ValueError: nothing matches, or a name is ambiguous.

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

        Differences: not in Keras, where `Model(inputs, layer.output)` does the same for layers
        that are neither nested nor part of a subclassed model.
        """
        return outputs_of(self, what, *self._model_classes_())

    def layers_of(self, what: Any) -> list[Layer]:
        """Returns the layers that match a name, path or pattern, without repetitions.

        Args:
            what: a name, path, pattern or layer, or a list of them, as in `cornu.inspect.find`.
                A block means all its layers.

        Raises:
            ValueError: nothing matches, or a name is ambiguous.

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
        """Returns an equivalent Functional model in which nested models are inlined.

        All layers, at any depth of nesting, become nodes of one graph, so that each of its
        Tensors can be an input or output of a further model. The weights are shared. A nested
        model becomes a block of the same name that contains its blocks, so that paths do not
        change. Names of layers do not change either, unless an outer layer has the same name:
        then the names of the nested models are prepended.

        Raises:
            ValueError: the model has no functional graph.

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

        Gradients with respect to intermediate outputs, as for Grad-CAM, need one model that ends
        and one that begins there:

        >>> code = flat.outputs_of("enc/code")
        >>> rest = cornu.Model(code.output, flat.output)
        >>> features = code(np.ones((1, 8), "float32"))
        >>> jax.grad(lambda features: rest(features)[0, 1])(features).shape
        (1, 4)

        Differences: not in Keras. A nested model is not inlined if its class defines `call` or if
        it has an activity regularizer. The order of `weights` may change, and with it the random
        numbers of Dropout.
        """
        return flatten(self, self._model_classes_()[0])

    @api_boundary
    def pure(self) -> Pure:
        """Returns the model as `(params, state, apply)`: arrays and a pure function of them.

        `params` and `state` are dicts of arrays by path, with the paths of the summary and of
        saved files; they are pytrees for `jax.grad`, optax and orbax. `params` are the weights
        that are currently trainable, `state` are all others. `apply` has no side effects and
        works with any JAX transformation: `apply(params, state, x, training=..., key=...)`
        returns `(outputs, state)`; see `cornu.models.pure.Apply`. With the key of a training
        step it draws the same random numbers. `assign` writes arrays back into the model.

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

        Differences: not in Keras, where `stateless_call` takes lists of arrays.
        """
        return pure(self)

    @api_boundary
    def assign(self, *parts: Mapping[str, Any]) -> None:
        """Sets weights from dicts of arrays by path, such as the params and state of `pure`.

        Weights whose path is in no dict are not changed.

        Args:
            *parts: the dicts.

        Raises:
            ValueError: a path is unknown or a shape differs; no weight is changed.
        """
        assign(self, parts)

    def statistics(
        self,
        x: DataLike,
        y: DataLike = None,
        sample_weight: DataLike = None,
        training: bool = False,
        what: Any = None,
    ) -> inspect.Statistics:
        """Returns the distribution of outputs and weights and, with `y`, of their gradients.

        The model processes the data as one batch, and does not change.

        Args:
            x: the inputs, as in `fit`.
            y: the targets, for which the model must be compiled. With them, the gradients of the
                loss by all weights and outputs are added.
            sample_weight: the weights of the rows.
            training: whether layers behave as in training.
            what: the layers to include, as in `cornu.inspect.find`; all by default.

        Returns:
            A `cornu.inspect.Statistics`: a row for each array, with its `path`, `kind`, `shape`,
            `mean`, `std`, `min`, `max`, the fractions of zeros and of NaN or infinity, and a
            histogram. It prints as a table.

        Raises:
            ValueError: a layer does not exist, or the data does not match the model.
            RuntimeError: `y` is given and the model is not compiled.

        Example:

        >>> import numpy as np
        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.ReLU(name="relu")])
        >>> [row.mean for row in model.statistics(np.array([[-1.0], [1.0]]))]
        [0.5]

        Differences: Keras has no such method.
        """
        return inspect.statistics(self, x, y, sample_weight, training, what)

    # The same methods for callbacks of cornu, if the user's class has its own of these names.
    _layers_of_ = layers_of
    _statistics_ = statistics

    def check(
        self,
        x: DataLike = None,
        y: DataLike = None,
        sample_weight: DataLike = None,
        *,
        batch_size: int | None = None,
        validation_data: DataLike = None,
        ignore: Iterable[str] = (),
    ) -> Report:
        """Checks the model, its compile config and some data for mistakes, without training.

        Args:
            x, y, sample_weight, batch_size, validation_data: as in `fit`; without data, only the
                model and its compile config are checked.
            ignore: codes of findings to omit.

        Returns:
            A Report: its findings have `code`, `severity` ("error", "warning", "info"), `path`,
            `place` (`file:line`) and `text`. It prints as a table. `docs/checks.md` lists all
            codes. Findings do not raise.

        Example:

        >>> import cornu
        >>> x = cornu.Input((4,))
        >>> model = cornu.Model(x, cornu.layers.Dense(3, name="head")(x))
        >>> model.compile("adam", "categorical_crossentropy")
        >>> finding = model.check()[0]
        >>> finding.code, finding.title, finding.path
        ('C010', 'cross-entropy on an output without activation', 'head')

        Differences: not in Keras. `fit` runs the inexpensive checks before its first step: errors
        are raised, warnings are issued as `cornu.errors.ModelWarning`.
        """
        return preflight.check(
            self._trainer_, x, y, sample_weight, batch_size, validation_data, ignore
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
        sharding: bool = False,
    ) -> None:
        """Prints a table of the layers, their output shapes and their numbers of parameters.

        Layers that a function of the program created are grouped under its name. Consecutive equal
        blocks are shown once, with their number.

        Args:
            line_length: the width of the table; the width of the terminal by default.
            positions: the ends of the columns, as increasing fractions of the width up to 1.
            print_fn: called with the text instead of `print`.
            expand_nested: whether the layers of nested models are listed.
            show_trainable: whether a column shows which layers are trainable.
            layer_range: names, paths or regular expressions of the first and last layer to list.
            fold: whether consecutive equal blocks are folded.
            depth: the number of levels of blocks and nested models to show; 1 shows only the
                outermost blocks.
            flops: whether a column shows the floating-point operations of a forward pass with
                batch size 1.
            memory: whether columns show the bytes of outputs (batch size 1) and of weights.
            dtype: whether a column shows the dtype of the outputs, and of the weights if it
                differs.
            masks: whether a column shows which outputs have a mask.
            rates: whether a column shows the learning rate multipliers of an optimizer with rates
                by path; see `Optimizer.set_rates`.
            sharding: whether columns show along which axes of the mesh the weights are divided,
                and their bytes on each device.

        Raises:
            ValueError: `layer_range` matches no layer, or `depth` is below 1; `sharding=True`
                without a distribution.

        Example:

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)], name="small")
        >>> model.summary(print_fn=lambda text: print(text.splitlines()[-3]))
         Total params: 10 (40 B)

        Differences: blocks, and the keyword-only arguments.
        """
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
            sharding=sharding,
        )

    def _repr_html_(self) -> str:
        """Returns the summary as HTML, for notebooks."""
        return inspect.summary_html(self)
