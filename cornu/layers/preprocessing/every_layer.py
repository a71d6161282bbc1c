"""All layers for raw data, which `cornu.layers` and the registry import when one is used."""

from cornu.layers.preprocessing.audio.spectrogram import MelSpectrogram, STFTSpectrogram
from cornu.layers.preprocessing.feature_space.feature_space import FeatureSpace
from cornu.layers.preprocessing.images.affine import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from cornu.layers.preprocessing.images.color import (
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from cornu.layers.preprocessing.images.equalization import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from cornu.layers.preprocessing.images.filtering import (
    RandomErasing,
    RandomGaussianBlur,
    RandomSharpness,
)
from cornu.layers.preprocessing.images.flipping import RandomFlip
from cornu.layers.preprocessing.images.intensity import (
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from cornu.layers.preprocessing.images.max_boxes import MaxNumBoundingBoxes
from cornu.layers.preprocessing.images.mixing import CutMix, MixUp
from cornu.layers.preprocessing.images.policies import AugMix, RandAugment
from cornu.layers.preprocessing.images.resizing import CenterCrop, RandomCrop, Resizing
from cornu.layers.preprocessing.images.warping import RandomElasticTransform, RandomPerspective
from cornu.layers.preprocessing.pipeline import Pipeline
from cornu.layers.preprocessing.rescaling import Rescaling
from cornu.layers.preprocessing.tabular.category_encoding import CategoryEncoding
from cornu.layers.preprocessing.tabular.discretization import Discretization
from cornu.layers.preprocessing.tabular.hashed_crossing import HashedCrossing
from cornu.layers.preprocessing.tabular.hashing import Hashing
from cornu.layers.preprocessing.tabular.integer_lookup import IntegerLookup
from cornu.layers.preprocessing.tabular.normalization import Normalization
from cornu.layers.preprocessing.tabular.string_lookup import StringLookup
from cornu.layers.preprocessing.text.text_vectorization import TextVectorization

__all__ = [
    "AugMix",
    "AutoContrast",
    "CategoryEncoding",
    "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "CutMix",
    "Discretization",
    "Equalization",
    "FeatureSpace",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "MaxNumBoundingBoxes",
    "MelSpectrogram",
    "MixUp",
    "Normalization",
    "Pipeline",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Rescaling",
    "Resizing",
    "STFTSpectrogram",
    "Solarization",
    "StringLookup",
    "TextVectorization",
]
