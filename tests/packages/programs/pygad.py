"""PyGAD: weights of a model by a genetic algorithm."""

import keras
import numpy as np
import pygad.kerasga

from tests.packages.steps import data, fix_weights, step

x = data(30, 3)
y = np.abs(x[:, :1] + x[:, 1:2])


def make_model():
    inputs = keras.layers.Input((3,))
    outputs = keras.layers.Dense(1)(keras.layers.Dense(5, activation="relu")(inputs))
    return fix_weights(keras.Model(inputs, outputs))


@step
def regression():
    model = make_model()

    def fitness(instance, solution, index):
        predicted = pygad.kerasga.predict(model=model, solution=solution, data=x, verbose=0)
        return 1.0 / (float(keras.losses.MeanAbsoluteError()(y, predicted)) + 1e-8)

    np.random.seed(1)
    population = pygad.kerasga.KerasGA(model=model, num_solutions=6)
    search = pygad.GA(
        num_generations=4,
        num_parents_mating=3,
        initial_population=population.population_weights,
        fitness_func=fitness,
        random_seed=1,
        suppress_warnings=True,
    )
    search.run()
    solution, best, _ = search.best_solution()
    return best, solution[:5]


@step
def weights_as_vectors():
    model = make_model()
    vector = pygad.kerasga.model_weights_as_vector(model)
    matrices = pygad.kerasga.model_weights_as_matrix(model, vector)
    return vector, [matrix.shape for matrix in matrices]
