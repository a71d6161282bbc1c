"""k3-node: graph neural networks, task estimators, loaders, pooling and custom training steps."""

import keras
import numpy as np
from k3_node import layers as gnn
from k3_node.data import Batch, Data
from k3_node.loader import DataLoader, NeighborLoader
from k3_node.tasks import GraphClassifier, LinkPredictor, NodeClassifier
from k3_node.training import gradient_step
from keras import ops

from tests.packages.steps import data, fix_initializers, step

fix_initializers(keras)
np.random.seed(0)
EDGES = np.array([[0, 1, 2, 3, 4, 5, 0, 2], [1, 2, 3, 4, 5, 0, 3, 5]])
x = data(6, 4)
labels = np.array([0, 1, 0, 1, 0, 1])


def make_graph():
    graph = Data(x=x, edge_index=EDGES, y=labels)
    graph.train_mask = np.array([True, True, True, True, False, False])
    graph.test_mask = ~graph.train_mask
    return graph


class GCN(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv1 = gnn.GCNConv(4, 8)
        self.conv2 = gnn.GCNConv(8, 3)

    def call(self, x, edge_index):
        return self.conv2(ops.relu(self.conv1(x, edge_index)), edge_index)


@step
def convolutional_network():
    return GCN()(x, EDGES)


@step
def convolutions():
    names = ("GATConv", "SAGEConv", "GraphConv", "TAGConv", "ChebConv", "TransformerConv")
    extra = {"ChebConv": {"K": 2}}
    return {name: getattr(gnn, name)(4, 5, **extra.get(name, {}))(x, EDGES) for name in names}


@step
def node_classifier():
    classifier = NodeClassifier(backbone="gcn", hidden_channels=8, num_layers=2, dropout=0.0)
    classifier.fit(make_graph(), epochs=3, lr=0.01)
    return classifier.evaluate(make_graph(), mask="test_mask"), classifier.predict(make_graph())


@step
def graph_classifier():
    graphs = [
        Data(x=data(4, 4, seed=i), edge_index=EDGES[:, :3] % 4, y=np.array([i % 2]))
        for i in range(6)
    ]
    classifier = GraphClassifier(backbone="gin", hidden_channels=8, num_layers=2, dropout=0.0)
    classifier.fit(DataLoader(graphs, batch_size=6, shuffle=False), epochs=2, lr=0.01)
    return classifier.evaluate(DataLoader(graphs, batch_size=6, shuffle=False))


@step
def loaders():
    graphs = [
        Data(x=data(3 + i, 4, seed=i), edge_index=EDGES[:, :2], y=np.array([i])) for i in range(3)
    ]
    batch = next(iter(DataLoader(graphs, batch_size=3, shuffle=False)))
    loader = NeighborLoader(make_graph(), num_neighbors=[2], batch_size=2, shuffle=False)
    sizes = [np.asarray(sampled.x).shape[1] for sampled in loader]
    return batch.x, batch.batch, sizes, Batch.from_data_list(graphs).num_graphs


@step
def fit_with_a_loader():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = gnn.GCNConv(4, 2)

        def call(self, graph):
            return self.conv(graph.x, graph.edge_index)

    from k3_node.loader.keras_dataset import FullGraphDataset

    model = Net()
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    dataset = FullGraphDataset(make_graph(), mask="train_mask")
    return model.fit(dataset, epochs=3, verbose=0).history["loss"]


@step
def custom_gradient_steps():
    model, optimizer = GCN(), keras.optimizers.SGD(0.1)
    model(x, EDGES)

    def loss():
        return ops.mean(ops.square(model(x, EDGES)))

    return [gradient_step(loss, model.trainable_variables, optimizer) for _ in range(3)]


@step
def pooling():
    batch = np.array([0, 0, 0, 1, 1, 1])
    return gnn.global_mean_pool(x, batch), gnn.global_max_pool(x, batch)


@step
def link_predictor():
    predictor = LinkPredictor(backbone="gcn", hidden_channels=8, num_layers=2, dropout=0.0)
    predictor.fit(make_graph(), epochs=1, lr=0.01)
    return np.isfinite(np.asarray(predictor.predict(make_graph(), EDGES[:, :3]))).all()
