"""BayesFlow: amortized inference with a workflow, and single networks."""

import bayesflow as bf
import keras
import numpy as np

from tests.packages.steps import data, fix_initializers, fix_random_numbers, step

fix_initializers(keras)
fix_random_numbers(keras)


def simulate(batch_size, seed=0):
    rng = np.random.default_rng(seed)
    parameters = rng.normal(size=(batch_size, 2))
    observables = parameters + rng.normal(0, 0.1, (batch_size, 2))
    return {
        "parameters": parameters.astype("float32"),
        "observables": observables.astype("float32"),
    }


def workflow(network, **kwargs):
    return bf.BasicWorkflow(
        inference_network=network,
        inference_variables=["parameters"],
        inference_conditions=["observables"],
        **kwargs,
    )


TRAIN = dict(epochs=2, batch_size=32, verbose=0, validation_data=simulate(32, 1))


@step
def coupling_flow():
    flow = workflow(
        bf.networks.CouplingFlow(depth=2, subnet_kwargs={"widths": (8,), "dropout": None})
    )
    history = flow.fit_offline(simulate(32), **TRAIN)
    return history.history["val_loss"]


@step
def flow_matching():
    flow = workflow(bf.networks.FlowMatching(subnet_kwargs={"widths": (8,), "dropout": None}))
    history = flow.fit_offline(simulate(32), **TRAIN)
    samples = flow.sample(num_samples=5, conditions={"observables": simulate(3)["observables"]})
    # The loss itself depends on random numbers in spite of equal functions.
    assert np.isfinite(history.history["val_loss"]).all()
    return samples["parameters"].shape, len(history.history["val_loss"])


@step
def online_training_and_diagnostics():
    def prior():
        return {"parameters": np.random.normal(size=2)}

    def likelihood(parameters):
        return {"observables": parameters + np.random.normal(0, 0.1, 2)}

    simulator = bf.make_simulator([prior, likelihood])
    flow = workflow(
        bf.networks.CouplingFlow(depth=2, subnet_kwargs={"widths": (8,)}), simulator=simulator
    )
    flow.fit_online(epochs=2, batch_size=8, num_batches_per_epoch=3, verbose=0)
    figures = flow.plot_default_diagnostics(test_data=20, num_samples=10)
    return sorted(figures)


@step
def summary_networks():
    sets = data(3, 6, 2)
    networks = [
        bf.networks.DeepSet(summary_dim=3),
        bf.networks.SetTransformer(summary_dim=3),
        bf.networks.TimeSeriesNetwork(summary_dim=3),
    ]
    return [network(sets, training=False) for network in networks]


@step
def save_and_load():
    network = bf.networks.CouplingFlow(depth=2, subnet_kwargs={"widths": (8,), "dropout": None})
    flow = workflow(network)
    flow.fit_offline(simulate(32), **TRAIN)
    flow.approximator.save("approximator.keras")
    loaded = keras.saving.load_model("approximator.keras")
    rows = {name: value[:4] for name, value in simulate(32).items()}
    return loaded.log_prob(data=rows), loaded.log_prob(data=rows) - flow.approximator.log_prob(
        data=rows
    )
