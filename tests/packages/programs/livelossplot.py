"""livelossplot: plots of the losses while a model trains."""

import keras
from livelossplot import PlotLossesKeras
from livelossplot.outputs import MatplotlibPlot

from tests.packages.steps import data, fix_weights, step

x, y = data(20, 4), data(20, 1, seed=1)


@step
def plots_during_fit():
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))
    model.compile("sgd", "mse", metrics=["mae"])
    plot = PlotLossesKeras(outputs=[MatplotlibPlot(figpath="figure_{i}.png")])
    model.fit(
        x,
        y,
        validation_data=(x, y),
        epochs=3,
        batch_size=20,
        callbacks=[plot],
        verbose=0,
        shuffle=False,
    )
    history = plot.liveplot.logger.log_history
    return {name: [item.value for item in items] for name, items in sorted(history.items())}


@step
def text_output():
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))
    model.compile("sgd", "mse")
    plot = PlotLossesKeras(outputs=["ExtremaPrinter"])
    model.fit(x, y, epochs=2, batch_size=20, callbacks=[plot], verbose=0, shuffle=False)
    return [item.value for item in plot.liveplot.logger.log_history["loss"]]
