# %% [markdown]
# # A network in a pipeline of scikit-learn
#
# Scaling and a network as one estimator: `GridSearchCV` fits both on each fold, so that nothing of
# the test rows leaks into the scaling. The data are measurements of breast cancer cells that come
# with scikit-learn. It needs `pip install "cornu[sklearn]"`.

# %%
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import cornu
from cornu import layers
from cornu.wrappers import SKLearnClassifier

cornu.utils.set_random_seed(0)
x, y = load_breast_cancer(return_X_y=True, as_frame=False)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)


# %% [markdown]
# ## The estimator
#
# A function builds a compiled model for the shapes of the data. Its other arguments can be
# searched.


# %%
def hidden(x, units, dropout):
    return layers.Dropout(dropout)(layers.Dense(units, "relu")(x))


def make_model(X, y, units=16, dropout=0.2):
    features = cornu.Input(X.shape[1:])
    x = hidden(features, units, dropout)
    model = cornu.Model(features, layers.Dense(y.shape[1], "softmax")(x))
    model.compile(cornu.optimizers.Adam(3e-3), "categorical_crossentropy")
    return model


network = SKLearnClassifier(make_model, fit_kwargs={"epochs": 15, "verbose": 0})
pipeline = make_pipeline(StandardScaler(), network)

# %% [markdown]
# ## The search
#
# Pipelines name the parameters of their steps: `model_kwargs` are the arguments of `make_model`.

# %%
grid = [{"units": 4, "dropout": 0.0}, {"units": 16, "dropout": 0.2}]
search = GridSearchCV(pipeline, {"sklearnclassifier__model_kwargs": grid}, cv=2)
search.fit(x_train, y_train)
for parameters, score in zip(grid, search.cv_results_["mean_test_score"], strict=True):
    print(f"{parameters}: {score:.1%}")

# %% [markdown]
# ## Result

# %%
accuracy = search.score(x_test, y_test)
linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(x_train, y_train)
baseline = np.bincount(y_test).max() / len(y_test)
print(f"logistic regression {linear.score(x_test, y_test):.1%}")
print(f"accuracy {accuracy:.1%}; most frequent class {baseline:.1%}")
assert accuracy > baseline + 0.25
