"""KerasRS: feature crosses, retrieval, ranking losses and metrics, and distributed embeddings."""

import keras
import keras_rs
import numpy as np

from tests.packages.steps import data, fix_weights, step

indices = np.random.default_rng(0).integers(0, 32, 16)
targets = data(16, 1)


@step
def cross_network():
    inputs = keras.Input(shape=(), name="indices", dtype="int32")
    x0 = keras.layers.Embedding(32, 6)(inputs)
    x1 = keras_rs.layers.FeatureCross()(x0, x0)
    x2 = keras_rs.layers.FeatureCross(projection_dim=3)(x0, x1)
    model = fix_weights(keras.Model(inputs, keras.layers.Dense(10)(x2)))
    model.compile(keras.optimizers.Adam(3e-4), keras.losses.MeanSquaredError())
    history = model.fit(indices, data(16, 10), batch_size=16, epochs=3, verbose=0, shuffle=False)
    model.save("cross.keras")
    loaded = keras.models.load_model("cross.keras")
    return history.history["loss"], loaded.predict(indices, verbose=0)


@step
def dot_interaction():
    layer = keras_rs.layers.DotInteraction(self_interaction=True)
    left, right = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([left, right], layer([left, right]))
    return model.predict([data(3, 4), data(3, 4, seed=1)], verbose=0), layer([data(3, 4)] * 3)


LISTS = dict(
    logits=data(8, 5), labels=np.random.default_rng(1).integers(0, 3, (8, 5)).astype("float32")
)


@step
def ranking_losses():
    names = (
        *("ListMLELoss", "PairwiseHingeLoss", "PairwiseLogisticLoss", "PairwiseMeanSquaredError"),
        "PairwiseSoftZeroOneLoss",
    )
    losses = [getattr(keras_rs.losses, name)() for name in names]
    values = [loss(LISTS["labels"], LISTS["logits"]) for loss in losses]
    masked = {"labels": LISTS["labels"], "mask": LISTS["labels"] > 0}
    return values, [loss(masked, LISTS["logits"]) for loss in losses[1:]]


@step
def ranking_metrics():
    names = (
        "DCG",
        "NDCG",
        "MeanAveragePrecision",
        "MeanReciprocalRank",
        "PrecisionAtK",
        "RecallAtK",
    )
    values = {}
    for name in names:
        metric = getattr(keras_rs.metrics, name)(k=3)
        metric.update_state(LISTS["labels"], LISTS["logits"])
        values[name] = metric.result()
    return values


@step
def ranking_model():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)])
    fix_weights(model).compile(
        "sgd", keras_rs.losses.PairwiseHingeLoss(), metrics=[keras_rs.metrics.NDCG(k=3)]
    )
    history = model.fit(
        LISTS["logits"], LISTS["labels"], batch_size=8, epochs=2, verbose=0, shuffle=False
    )
    return {name.split("_")[0]: values for name, values in history.history.items()}


@step
def retrieval():
    candidates = data(20, 4)
    layer = keras_rs.layers.BruteForceRetrieval(candidate_embeddings=candidates, k=3)
    scores, found = layer(data(2, 4, seed=1))
    miner = keras_rs.layers.HardNegativeMining(num_hard_negatives=2)
    logits, labels = data(4, 6), np.eye(6, dtype="float32")[:4]
    hits = keras_rs.layers.RemoveAccidentalHits()(logits, labels, np.arange(6) % 3)
    corrected = keras_rs.layers.SamplingProbabilityCorrection()(logits, np.full(6, 0.1, "float32"))
    return scores, found, miner(logits, labels), hits, corrected


class TwoTowers(keras.Model):
    """The model of the retrieval example: a loss that the model computes itself."""

    def __init__(self):
        super().__init__()
        self.users = keras.layers.Embedding(10, 4)
        self.items = keras.layers.Embedding(12, 4)
        self.retrieval = keras_rs.layers.BruteForceRetrieval(k=3, return_scores=False)
        self.loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)

    def build(self, input_shape):
        self.users.build(input_shape)
        self.items.build(input_shape)
        self.retrieval.candidate_embeddings = self.items.embeddings
        self.retrieval.build(input_shape)
        super().build(input_shape)

    def call(self, inputs, training=False):
        users = self.users(inputs)
        result = {"user_embeddings": users}
        if not training:
            result["predictions"] = self.retrieval(users)
        return result

    def compute_loss(self, x, y, y_pred, sample_weight, training=True):
        items = self.items(y)
        scores = keras.ops.matmul(y_pred["user_embeddings"], keras.ops.transpose(items))
        return self.loss_fn(keras.ops.eye(scores.shape[0]), scores, sample_weight)


@step
def two_towers():
    model = TwoTowers()
    model.build((None,))
    fix_weights(model).compile("sgd")
    users, items = np.arange(8) % 10, np.arange(8) % 12
    history = model.fit(users, items, batch_size=8, epochs=2, verbose=0, shuffle=False)
    return history.history["loss"], model.predict(users, verbose=0)["predictions"]


@step
def distributed_embedding():
    table = keras_rs.layers.TableConfig(
        name="table", vocabulary_size=20, embedding_dim=4, placement="default_device",
        initializer=keras.initializers.Constant(0.25), optimizer="sgd",
    )  # fmt: skip
    feature = keras_rs.layers.FeatureConfig(
        name="feature", table=table, input_shape=(8, 3), output_shape=(8, 4)
    )
    layer = keras_rs.layers.DistributedEmbedding({"feature": feature})
    return layer({"feature": np.arange(24).reshape(8, 3) % 20})
