# %% [markdown]
# # A graph network
#
# Three labels for each digit are enough if the network may look at the neighbors: all images are
# nodes of a graph, each with edges to the images that are most like it. A graph network classifies
# the nodes and lets labels spread along the edges. The whole graph is one batch; `sample_weight`
# says which nodes have labels.

# %%
import numpy as np

import cornu
from cornu import layers, ops

cornu.utils.set_random_seed(0)
parts = cornu.datasets.digits.load_data()
images = np.concatenate([x.reshape(-1, 64) for x, _ in parts]).astype("float32") / 16
labels = np.concatenate([y for _, y in parts]).astype("int32")
NEIGHBORS = 6

squares = (images**2).sum(axis=1)
distances = squares[:, None] + squares - 2 * images @ images.T
neighbors = np.argsort(distances, axis=1)[:, 1 : NEIGHBORS + 1]
known = np.zeros(len(images), "float32")
for digit in range(10):
    known[np.flatnonzero(labels == digit)[:3]] = 1
print(len(images), "nodes,", neighbors.size, "edges,", int(known.sum()), "labels")

# %% [markdown]
# ## The model
#
# `convolution` is a block: it transforms each node and the mean of its neighbors.


# %%
def convolution(nodes, neighbors, units):
    mean = ops.mean(ops.take(nodes, neighbors, axis=0), axis=1)
    return layers.Dense(units)(nodes) + layers.Dense(units, use_bias=False)(mean)


def graph_network(layers_of_edges):
    nodes = cornu.Input((64,), name="nodes")
    edges = cornu.Input((NEIGHBORS,), dtype="int32", name="edges")
    x = nodes
    for _ in range(layers_of_edges):
        x = layers.ReLU()(convolution(layers.Dropout(0.3)(x), edges, 32))
    return cornu.Model([nodes, edges], layers.Dense(10)(x))


def train(model):
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(cornu.optimizers.AdamW(1e-2, weight_decay=1e-3), loss)
    for _ in range(60):
        model.train_on_batch([images, neighbors], labels, sample_weight=known)
    predicted = model.predict_on_batch([images, neighbors]).argmax(axis=1)
    return np.mean(predicted[known == 0] == labels[known == 0])


model = graph_network(3)
cornu.inspect.plot_model(model, None, depth=1)

# %% [markdown]
# ## Result
#
# The baseline learns from the same 30 labels without edges.

# %%
accuracy = train(model)
images_only = cornu.Sequential([layers.Dense(32, "relu"), layers.Dense(10)])
loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
images_only.compile("adam", loss)
images_only.fit(images[known == 1], labels[known == 1], epochs=60, verbose=0)
predicted = images_only.predict(images[known == 0], verbose=0).argmax(axis=1)
baseline = np.mean(predicted == labels[known == 0])
print(f"accuracy {accuracy:.1%}; without edges {baseline:.1%}")
assert accuracy > baseline + 0.05
