"""Optimizers: building, applying, compiling, saving, describing."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import names
from cornu.optimizers import (
    SGD,
    Adam,
    AdamW,
    MultiOptimizer,
    Optimizer,
    OptimizerMap,
    deserialize,
    get,
    schedules,
    serialize,
)
from tests.optimizers.compare import check_equal, gradients, variables


def two(**options):
    """A built optimizer and two Variables."""
    model = variables(cornu)[:2]
    optimizer = Adam(0.1, name="adam", **options)
    optimizer.build(model)
    return optimizer, model


def compiled(optimizer, model):
    """A jitted step that keeps its state in the Variables, and the list of its traces."""
    traces = []

    def step(*grads):
        traces.append(1)
        optimizer.apply(grads, model)

    every = [*model, *optimizer.variables]
    jitted = jax.jit(cornu.pure(step, every))

    def run(grads):
        _, news, _ = jitted(tuple(v.value for v in every), None, *grads)
        for variable, new in zip(every, news, strict=True):
            variable.assign(new)

    return run, traces


OPTIONS = [
    {"clipnorm": 0.5, "weight_decay": 0.1},
    {"global_clipnorm": 0.5, "use_ema": True, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2, "clipvalue": 0.3, "loss_scale_factor": 2.0},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_compiled_and_stateless_steps_are_the_eager_step(options):
    eager, model = two(**options)
    compiled_optimizer, compiled_model = two(**options)
    stateless, stateless_model = two(**options)
    run, traces = compiled(compiled_optimizer, compiled_model)
    values = [v.value for v in stateless_model], [v.value for v in stateless.variables]
    for step in range(4):
        grads = gradients(step)[:2]
        eager.apply(grads, model)
        run(grads)
        values = stateless.stateless_apply(values[1], grads, values[0])
    assert len(traces) == 1
    for others in (
        [*compiled_model, *compiled_optimizer.variables],
        [cornu.Variable(v, name="v") for v in (*values[0], *values[1])],
    ):
        check_equal([*model, *eager.variables], others)
    assert int(stateless.iterations) == 0
    check_equal(stateless_model, variables(cornu)[:2])


def test_a_new_learning_rate_compiles_nothing():
    optimizer, model = two()
    run, traces = compiled(optimizer, model)
    run(gradients(0)[:2])
    moved = model[1].numpy()
    optimizer.learning_rate = 0.0
    run(gradients(1)[:2])
    np.testing.assert_array_equal(model[1].numpy(), moved)
    optimizer.learning_rate = 1e-2
    run(gradients(2)[:2])
    assert len(traces) == 1 and abs(model[1].numpy() - moved).min() > 1e-4


def test_equations_of_a_step_grow_by_the_rule_alone():
    def equations(count):
        model = [cornu.Variable(np.ones(3, "float32"), name=f"v{i}") for i in range(count)]
        optimizer = AdamW()
        optimizer.build(model)
        every = [*model, *optimizer.variables]
        step = cornu.pure(lambda: optimizer.apply([v.value for v in model]), every)
        return len(jax.make_jaxpr(step)([v.value for v in every], None).eqns)

    # Weight decay is 2, Adam's formula one call of what was traced for the first of this shape.
    assert equations(9) - equations(8) == 3
    cornu.config.disable_block_sharing()
    try:  # Adam's formula itself has 12 equations
        assert equations(9) - equations(8) == 14
    finally:
        cornu.config.enable_block_sharing()


def test_learning_rates():
    assert float(SGD(1).learning_rate) == 1.0
    assert SGD(np.float32(0.5)).get_config()["learning_rate"] == 0.5
    optimizer = SGD(0.5)
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate"]
    assert [v.role for v in optimizer.variables] == ["state", "hyper"]
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    assert [v.name for v in optimizer.variables] == ["iteration"]
    assert float(optimizer.learning_rate) == 0.5
    with pytest.raises(TypeError, match="cannot be replaced by a number"):
        optimizer.learning_rate = 0.1
    for wrong in ("fast", None, True, [0.1]):
        with pytest.raises(ValueError, match="learning_rate must be a number"):
            SGD(wrong)


def test_paths_names_and_order_of_variables():
    names.reset()
    optimizer = Adam(use_ema=True, gradient_accumulation_steps=2)
    with cornu.core.state.scope.use_scope(
        cornu.core.state.scope.Scope(cornu.core.state.scope.current())
    ) as around:
        around.layer_path = ("dense",)
        model = [cornu.Variable(np.ones(2), name="kernel"), cornu.Variable(np.ones(1), name="bias")]
    optimizer.build(model)
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration",
        "adam/learning_rate",
        "adam/dense_kernel_average",
        "adam/dense_bias_average",
        "adam/dense_kernel_gradient_accumulator",
        "adam/dense_bias_gradient_accumulator",
        "adam/dense_kernel_momentum",
        "adam/dense_kernel_velocity",
        "adam/dense_bias_momentum",
        "adam/dense_bias_velocity",
    ]
    assert {v.role for v in optimizer.variables[2:]} == {"slot"}
    assert not any(v.trainable for v in optimizer.variables)
    assert not set(model) & set(optimizer.variables)
    assert Adam().name == "adam_1"


def test_state_is_saved_and_loaded():
    optimizer, model = two()
    optimizer.apply(gradients(0)[:2], model)
    store = {}
    optimizer.save_own_variables(store)
    other, _ = two()
    other.load_own_variables(store)
    check_equal(optimizer.variables, other.variables)
    third, _ = two()
    third.set_weights([v.numpy() for v in optimizer.variables])
    check_equal(optimizer.variables, third.variables)
    with pytest.warns(UserWarning, match="6 were saved"):
        Adam().load_own_variables(store)


@pytest.mark.parametrize(
    "name",
    "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb Muon "
    "ScheduleFreeAdamW".split(),
)
def test_names_and_descriptions(name):
    optimizer = get(name.lower())
    assert type(optimizer).__name__ == name
    data = serialize(optimizer)
    assert data["module"] == "keras.optimizers" and data["class_name"] == name
    again = deserialize(data)
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()
    assert type(get(data)) is type(optimizer)


def test_descriptions_follow_changes():
    optimizer = Adam(schedules.CosineDecay(0.1, 10), clipnorm=1.0)
    optimizer.clipnorm = 2.0
    again = Adam.from_config(optimizer.get_config())
    assert again.clipnorm == 2.0
    assert isinstance(again._learning_rate, schedules.CosineDecay)
    plain = SGD(0.5)
    plain.learning_rate = 0.25
    assert plain.get_config()["learning_rate"] == 0.25
    assert get(plain) is plain and get(None) is None


def test_an_optimizer_of_the_user_as_in_keras():
    class Momentum(Optimizer):
        def __init__(self, learning_rate=0.5, keep=0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.keep = keep

        def build(self, variables):
            super().build(variables)
            self.momentums = self.add_optimizer_variables(variables, "momentum")
            self.count = self.add_variable((), initializer="ones", dtype="float32", name="count")

        def update_step(self, gradient, variable, learning_rate):
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m * self.keep + gradient)
            self.assign_sub(variable, m * cornu.ops.cast(learning_rate, variable.dtype))
            self.assign_add(self.count, 1)

    model = [cornu.Variable(1.0, name="w"), cornu.Variable(2.0, name="v")]
    optimizer = Momentum(name="own")
    run, traces = None, None
    optimizer.build(model)
    run, traces = compiled(optimizer, model)
    for _ in range(2):
        run([jnp.array(0.25), jnp.array(0.5)])
    assert [float(v) for v in model] == [1.0 - 0.125 - 0.1875, 2.0 - 0.25 - 0.375]
    assert len(optimizer.variables) == 5 and float(optimizer.count) == 5.0
    config = optimizer.get_config()
    assert config == {"learning_rate": 0.5, "keep": 0.5, "name": "own"}
    assert get({"class_name": "SGD", "config": {}}).momentum == 0.0
    again = deserialize(serialize(optimizer), custom_objects={"Momentum": Momentum})
    assert type(again) is Momentum


def test_a_method_may_be_changed_variable_by_variable():
    class Careful(SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient / 2, variable, learning_rate)

    w = cornu.Variable(1.0, name="w")
    Careful(0.5).apply([jnp.array(1.0)], [w])
    assert float(w) == 0.75


def test_apply_gradients_and_subsets():
    optimizer, model = two()
    count = optimizer.apply_gradients([(np.ones(4, "float32"), model[1])])
    assert count is optimizer.iterations and int(count) == 1
    check_equal(model[:1], variables(cornu)[:1])
    optimizer.apply([])
    assert int(count) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda k: k.SGD(0.5, momentum=0.9),
        lambda k: k.Adam(0.5, gradient_accumulation_steps=2),
        lambda k: k.AdamW(0.5, global_clipnorm=0.1, weight_decay=0.1),
        lambda k: k.SGD(0.5, use_ema=True, ema_overwrite_frequency=2),
    ],
)
def test_missing_gradients_warn_and_the_others_are_applied(make):
    ends = []
    for library in (cornu, keras):
        optimizer = make(library.optimizers)
        model = variables(library)[:2]
        for i in range(2):
            with pytest.warns(UserWarning, match=r"(None for 'bias'|do not exist .*bias)"):
                optimizer.apply([gradients(i)[0], None], model)
        optimizer.finalize_variable_values(model)
        ends.append([np.asarray(v) for v in model])
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-5)


def test_averages_are_not_used_before_the_first_step():
    several = OptimizerMap(SGD(0.5, use_ema=True), {})
    for optimizer in (SGD(0.5, use_ema=True), MultiOptimizer(several)):
        model = variables(cornu)[:2]
        optimizer.build(model)
        before = [v.numpy() for v in model]
        optimizer.finalize_variable_values(model)
        for variable, value in zip(model, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)


def test_invalid_arguments_raise():
    optimizer, model = two()
    good = gradients(0)[:2]
    for message, call in {
        "the gradient is None for 'kernel', 'bias'": lambda: optimizer.apply([None, None], model),
        "grads must be 2 arrays. Received: 1": lambda: optimizer.apply(good[:1], model),
        r"expected a gradient of shape \(3, 4\) for Variable 'kernel'": lambda: optimizer.apply(
            [good[1], good[1]]
        ),
        "was not built with 'other'": lambda: optimizer.apply(
            good[:1], [cornu.Variable(good[0], name="other")]
        ),
        "requires that the optimizer is built": lambda: Adam().apply(good),
        "Did you mean 'beta_1'": lambda: Adam(beta1=0.9),
        "only one of clipnorm": lambda: Adam(clipnorm=1.0, clipvalue=1.0),
        "at least 2": lambda: Adam(gradient_accumulation_steps=1),
        "ema_momentum must be": lambda: Adam(use_ema=True, ema_momentum=2.0),
        "ema_overwrite_frequency must be": lambda: Adam(use_ema=True, ema_overwrite_frequency=0.5),
        "weight_decay must be a number": lambda: AdamW(weight_decay=None),
        "momentum must be between 0 and 1": lambda: SGD(momentum=2.0),
        "Did you mean 'Adam'": lambda: get("Adm"),
        "An optimizer must be a name": lambda: get(3),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="multiple values"):
        SGD(0.1, 0.9, learning_rate=0.2)
    with pytest.raises(NotImplementedError, match="must override update_step"):
        Optimizer(0.1).apply(good, model)
    with pytest.warns(UserWarning, match="was removed from Keras"):
        SGD(decay=0.1)


def test_counts_may_be_integers_of_numpy_but_not_bools():
    two = np.int64(2)
    assert Adam(gradient_accumulation_steps=two).gradient_accumulation_steps == 2
    assert Adam(use_ema=True, ema_overwrite_frequency=two).ema_overwrite_frequency == 2
    with pytest.raises(ValueError, match="ema_overwrite_frequency must be"):
        Adam(use_ema=True, ema_overwrite_frequency=True)
