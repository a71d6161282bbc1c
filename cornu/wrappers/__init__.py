"""Models as estimators of scikit-learn, which must be installed to create one."""

from cornu.errors import suggest_names as _suggest_names
from cornu.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

_suggest_names(__name__, __all__)
