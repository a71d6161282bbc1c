"""LIME: explanations of tabular data, images and texts."""

import keras
import numpy as np
from lime.lime_image import LimeImageExplainer
from lime.lime_tabular import LimeTabularExplainer, RecurrentTabularExplainer
from lime.lime_text import LimeTextExplainer

from tests.packages.steps import data, fix_weights, step


@step
def tabular():
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")]))
    explainer = LimeTabularExplainer(data(50, 4), random_state=1)
    predict = lambda rows: model.predict(rows, verbose=0)  # noqa: E731
    return explainer.explain_instance(data(4), predict, num_samples=100).as_map()[1]


@step
def recurrent():
    model = keras.Sequential(
        [keras.Input((3, 2)), keras.layers.LSTM(3), keras.layers.Dense(2, "softmax")]
    )
    fix_weights(model)
    explainer = RecurrentTabularExplainer(
        data(20, 3, 2), training_labels=np.arange(20) % 2, feature_names=["a", "b"], random_state=1
    )
    explained = explainer.explain_instance(data(1, 3, 2), model.predict, num_samples=50)
    return explained.as_map()[1]


@step
def image():
    model = keras.Sequential(
        [
            *(keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3)),
            *(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")),
        ]
    )
    fix_weights(model)
    picture = np.random.default_rng(1).uniform(size=(16, 16, 3))
    explained = LimeImageExplainer(random_state=1).explain_instance(
        picture, lambda x: model.predict(x, verbose=0), top_labels=1, num_samples=20,
        segmentation_fn=lambda x: np.arange(256).reshape(16, 16) // 32,
    )  # fmt: skip
    return sorted(explained.local_exp[explained.top_labels[0]])


@step
def text():
    words = ["good", "bad", "film", "very"]
    model = fix_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")]))

    def predict(texts):
        counts = np.array([[text.split().count(word) for word in words] for text in texts])
        return model.predict(counts.astype("float32"), verbose=0)

    explainer = LimeTextExplainer(random_state=1)
    return explainer.explain_instance("very good film", predict, num_samples=50).as_list()
