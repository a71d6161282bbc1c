"""SHAP: the explainers that call a model as a function."""

import keras
import numpy as np
import shap

from tests.packages.steps import data, fix_weights, step

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(1)])
fix_weights(model)
x = data(20, 4)


def predict(rows):
    return model.predict(rows, verbose=0)[:, 0]


@step
def kernel_explainer():
    explainer = shap.KernelExplainer(predict, x[:10], seed=1)
    return explainer.shap_values(x[:3], silent=True)


@step
def permutation_explainer():
    np.random.seed(1)
    return shap.explainers.Permutation(predict, x[:10], seed=1)(x[:3], silent=True).values


@step
def sampling_explainer():
    np.random.seed(1)
    return shap.SamplingExplainer(predict, x[:10]).shap_values(x[:2], nsamples=100, silent=True)


@step
def partition_explainer():
    masker = shap.maskers.Partition(x[:10])
    return shap.PartitionExplainer(predict, masker)(x[:2], silent=True).values


@step
def model_as_a_function():
    masker = shap.maskers.Independent(x[:10])
    explained = shap.Explainer(predict, masker, algorithm="exact")(x[:2], silent=True)
    shap.plots.bar(explained, show=False)
    return explained.values
