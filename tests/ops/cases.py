"""Calls of ops: each is made with cornu and with Keras, with arrays and with symbolic Tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

_rng = np.random.default_rng(0)


def _normal(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape).astype("float32")


X, Y, Z = _normal(3, 4), _normal(3, 4), _normal(4, 3)
CUBE = _normal(2, 3, 4)
V, W = _normal(5), _normal(5)
UNIT = _rng.uniform(0.05, 0.95, (3, 4)).astype("float32")  # in the domain of all functions
ABOVE = UNIT + 1
INTS = _rng.integers(1, 9, (3, 4)).astype("int32")
INTS2 = _rng.integers(1, 5, (3, 4)).astype("int32")
BOOLS, BOOLS2 = X > 0, Y > 0
GAPS = np.where(X > 0.5, np.nan, X).astype("float32")
COMPLEX = (X + 1j * Y).astype("complex64")
SQUARE = _normal(4, 4)
SQUARES = _normal(2, 3, 3)
POSITIVE = (SQUARE @ SQUARE.T + 4 * np.eye(4)).astype("float32")
HALF = X.astype("float16")
IMAGES = _rng.uniform(0, 1, (2, 6, 8, 3)).astype("float32")
BYTES = _rng.integers(0, 255, (2, 6, 8, 3)).astype("uint8")
SIGNAL = _normal(2, 40)
SPECTRUM = (_normal(2, 8), _normal(2, 8))


class Case(NamedTuple):
    """One call of an op."""

    theme: str
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def title(self) -> str:
        """Name and arguments, short."""
        shown = [_show(value) for value in self.args]
        shown += [f"{key}={_show(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.name}{list(value.shape)}".replace(" ", "")
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_show, value))})"
    return getattr(value, "__name__", None) or str(value)


CASES: list[Case] = []
_theme = ""


def theme(title: str) -> None:
    """Begins a group of cases."""
    global _theme
    _theme = title


def case(names: str, *args: Any, **kwargs: Any) -> None:
    """Adds one call of each of some ops."""
    CASES.extend(Case(_theme, name, args, kwargs) for name in names.split())


theme("element by element")
_UNARY = (
    "exp exp2 expm1 log log10 log2 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arctanh sinc deg2rad rad2deg i0 sqrt cbrt reciprocal ceil floor"
)
case(_UNARY + " erf erfc erfinv rsqrt", UNIT)
case(_UNARY.replace("arctanh ", ""), np.array([0, 1], "int32"))
case("exp sin sqrt log1p tanh floor", BOOLS)
case("exp tanh sqrt log", ABOVE.astype("float16"))
case("arccosh", ABOVE)
case("arccosh", INTS)
case("abs absolute negative square sign trunc round fabs signbit", X)
case("abs absolute negative square sign trunc round fabs", INTS)
case("real imag conj conjugate angle isreal abs absolute", COMPLEX)
case("real imag conj conjugate isreal angle", X)
case("isfinite isinf isnan isposinf isneginf", np.array([0, np.inf, -np.inf, np.nan], "float32"))
_BINARY = "add subtract multiply divide true_divide maximum minimum fmax fmin"
case(_BINARY + " floor_divide mod fmod arctan2 hypot logaddexp logaddexp2 heaviside", X, Y)
case(_BINARY + " floor_divide mod", X, INTS)
case(_BINARY + " floor_divide mod fmod", INTS, INTS2)
case(_BINARY, X, 2.0)
case(_BINARY, INTS, 2)
case(_BINARY, INTS, 2.5)
case(_BINARY, HALF, 2.5)
case("add multiply maximum", HALF, X)
case("add", [1, 2, 3], [0.5, 1.0, 2.0])
case("power", ABOVE, X)
case("power", INTS, 2)
case("power", X, 2)
case("divide_no_nan", X, np.array([0, 1, 2, 0], "float32"))
case("divide_no_nan", INTS, np.array([0, 1, 2, 0], "int32"))
case("gcd lcm bitwise_and bitwise_or bitwise_xor", INTS, INTS2)
case("left_shift right_shift bitwise_left_shift bitwise_right_shift", INTS, INTS2)
case("left_shift", INTS, 1)
case("bitwise_not bitwise_invert", INTS)
case("ldexp", X, INTS)
case("nextafter", X, Y)
case("equal not_equal less less_equal greater greater_equal", X, Y)
case("equal not_equal less less_equal greater greater_equal", INTS, INTS2)
case("greater", X, 0)
case("isclose allclose", X, X + 1e-6)
case("isclose", X, X + 1e-3, rtol=1e-2)
case("logical_and logical_or logical_xor", BOOLS, BOOLS2)
case("logical_not", BOOLS)
case("clip", X, -0.5, 0.5)
case("clip", INTS, 2, 4)
case("clip", BOOLS, 0, 1)
case("clip", X, Y - 1, Y + 1)
case("round", 100 * X, 1)
case("round", 100 * X, decimals=-1)
case("round", 13 * INTS, -1)
case("nan_to_num", np.array([0, np.inf, -np.inf, np.nan], "float32"))
case("nan_to_num", GAPS, nan=7.0)

theme("along axes")
_REDUCE = "sum prod mean var std max min amax amin median all any argmax argmin logsumexp"
_NAN = "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian"
case(_REDUCE + " count_nonzero ptp", X)
case(_REDUCE + " ptp norm", X, axis=1)
case(_REDUCE + " ptp norm", X, axis=-1, keepdims=True)
case("sum prod mean var std max min amax amin median all any logsumexp ptp", CUBE, axis=(0, 2))
case("sum mean var std max min median all any argmax logsumexp count_nonzero", INTS)
case("sum mean std var all any", BOOLS)
case("sum mean var max argmax", HALF, axis=0)
case("mean var std", (INTS * 100).astype("float16"))
case("mean sum", [1, 2, 4])
case("sum mean", INTS.astype("int8"), axis=1)
case("max min", X, initial=0.3)
case("prod", INTS2, dtype="float32")
case("count_nonzero", BOOLS, axis=0)
case(_NAN + " nanargmax nanargmin", GAPS)
case(_NAN + " nanargmax nanargmin", np.where(np.isnan(GAPS), 9, GAPS), axis=1, keepdims=True)
case("quantile nanquantile", X, 0.3)
case("quantile nanquantile", X, [0.2, 0.7], axis=1, keepdims=True)
case("quantile", INTS, 0.5, method="nearest")
case("percentile nanpercentile", X, 30.0, axis=0)
case("average", X)
case("average", X, axis=1, weights=UNIT)
case("average", INTS, axis=0)
case("cumsum cumprod nancumsum nancumprod", X)
case("cumsum cumprod nancumsum nancumprod", X, axis=1)
case("cumsum", INTS, axis=0, dtype="float32")
case("diff", X)
case("diff", X, n=2, axis=0)
case("trapezoid", X)
case("trapezoid", X, dx=0.5, axis=0)
case("trapezoid", V, np.sort(W))
case("histogram", V)
case("histogram", V, 4, (-1.0, 1.0))
case("bincount", INTS[0])
case("bincount", INTS, minlength=12)
case("bincount", INTS[0], weights=X[0])
# Rows whose largest numbers differ: Keras joins them only with a common minlength.
case("bincount", INTS, weights=X, minlength=12)
case("corrcoef", X)

theme("shapes")
case("reshape", X, (2, 6))
case("reshape", X, (4, -1))
case("reshape", X, -1)
case("ravel copy", X)
case("broadcast_to", X, (2, 3, 4))
case("expand_dims", X, 1)
case("expand_dims", X, (0, -1))
case("squeeze", X[:, None])
case("squeeze", X[:, None], axis=1)
case("transpose", X)
case("transpose", CUBE, (0, 2, 1))
case("transpose", CUBE, axes=[2, 0, 1])
case("moveaxis", CUBE, 0, -1)
case("moveaxis", CUBE, [0, 1], [-1, 0])
case("swapaxes", CUBE, 1, 2)
case("concatenate stack hstack vstack dstack", [X, Y])
case("concatenate stack", [X, INTS], axis=-1)
case("append", X, Y)
case("append", X, Y, axis=1)
case("hsplit", X, 2)
case("split", X, [1, 3], axis=1)
case("split array_split", CUBE, 2, axis=-1)
case("array_split", CUBE, 3, axis=2)
case("vsplit", X, 3)
case("dsplit", CUBE, 2)
case("unstack", CUBE, axis=1)
case("tile", X, 2)
case("tile", X, (2, 1, 3))
case("repeat", X, 2)
case("repeat", X, 2, axis=1)
case("repeat", X, np.array([1, 2, 0, 1]), axis=1)
case("flip fliplr flipud", X)
case("flip", CUBE, axis=(0, 2))
case("rot90", CUBE)
case("rot90", CUBE, k=3, axes=(1, 2))
case("roll", X, 2)
case("roll", X, (1, 2), axis=(0, 1))
case("diag diagflat", V)
case("diag", SQUARE, k=1)
case("diagonal trace", CUBE, offset=1, axis1=1, axis2=2)
case("diagonal trace", SQUARE)
case("tril triu", SQUARE)
case("tril triu", CUBE, k=-1)
case("pad", X, 1)
case("pad", X, ((1, 2), (0, 3)), constant_values=5.0)
case("pad", X, ((1, 0), (2, 1)), mode="reflect")
case("view", X, dtype="int32")
case("rearrange", IMAGES, "b (h p) (w q) c -> (b h w) p q c", p=2, q=4)
case("rearrange", CUBE, "a b c -> b (c a)")

theme("choosing and sorting")
case("take", X, np.array([0, 2]))
case("take", X, [[0, 2], [1, -1]], axis=1)
case("take_along_axis", X, np.argsort(X, 1), axis=1)
case("get_item", X, 1)
case("get_item", X, (slice(None, 2), ..., None))
case("where", X > 0, X, Y)
case("where", X > 0, X, 0)
case("where", X > 0)
case("select", [X > 1, X > 0], [X, Y])
case("select", [X > 1, X > 0], [X, Y], default=3.0)
case("sort argsort", X)
case("sort argsort", X, axis=0)
case("argpartition", V, 2)
case("searchsorted", np.sort(V), W)
case("searchsorted", np.sort(V), W, side="right")
case("digitize", X, np.array([-0.5, 0.0, 0.5], "float32"))
case("isin", INTS, INTS2)
case("isin", INTS, INTS2, invert=True)
case("nonzero", BOOLS)
case("unique", INTS)
case("unique", INTS, return_index=True, return_inverse=True, return_counts=True)
case("unique", INTS, size=10, fill_value=0)
case("unravel_index", np.array([5, 7]), (3, 4))
case("top_k", X, 2)
case("in_top_k", np.array([0, 3, 2]), X, 2)
case("scatter", np.array([[0, 1], [2, 0], [0, 1]]), np.array([1.0, 2.0, 3.0], "float32"), (3, 3))
case("scatter", np.array([[1], [0]]), X[:2], (4, 4))
case("scatter_update", X, np.array([[0, 1], [2, 3]]), np.array([7.0, 8.0], "float32"))
for _reduction in ("add", "max", "min", "mul"):
    case("scatter_update", X, np.array([[0], [2]]), Y[:2], reduction=_reduction)
case("slice", X, (1, 1), (2, 2))
case("slice", X, (0, 1), (-1, -1))
case("slice_update", X, (1, 1), Y[:2, :2])

theme("making")
case("zeros ones empty", (2, 3))
case("zeros ones", 3, "int32")
case("full", (2, 2), 7)
case("full", (2, 2), 7, "int32")
case("zeros_like ones_like empty_like", INTS)
case("zeros_like ones_like", X, dtype="bool")
case("full_like", X, 2)
case("eye tri", 3)
case("eye tri", 3, 4, 1, "int32")
case("identity", 3)
case("arange", 5)
case("arange", 1.0, 2.0, 0.25)
case("arange", 1, 10, 3, dtype="float32")
case("arange", 3, 0.5, -1)
case("linspace logspace", 0, 2, 5)
case("linspace", X, Y, 3, axis=1)
case("linspace", 0.0, 1.0, num=4, endpoint=False, retstep=True)
case("logspace", 0.0, 3.0, num=4, base=2)
case("geomspace", 1.0, 8.0, num=4)
case("meshgrid", V, W)
case("meshgrid", V, W, indexing="ij")
case("vander", V)
case("vander", V, 3, increasing=True)
case("bartlett blackman hamming hanning", 6)
case("kaiser", 6, 3.0)

theme("converting")
case("cast", X, "int32")
case("cast", X, "bfloat16")
case("cast", [0.0, 1.5], "bool")
case("array convert_to_tensor", [1, 2])
case("array convert_to_tensor", [1.0, 2.0], "float16")
case("array convert_to_tensor", X.astype("float64"))
case("saturate_cast", 300 * X, "uint8")
case("saturate_cast", 1e12 * X, "int32")
case("saturate_cast", 1e12 * X, "uint32")
case("saturate_cast", INTS * 100, "int8")
case("saturate_cast", 1e30 * X, "float16")
case("stop_gradient", X)

theme("products")
case("matmul dot", X, Z)
case("matmul", CUBE, Z)
case("matmul", X, X[0])
case("matmul", INTS.astype("int8"), INTS.astype("int8").T)
case("dot inner outer kron", V, W)
case("vdot", X, Y)
case("vdot", COMPLEX, COMPLEX)
case("inner", X, Y)
case("outer kron", X, Z)
case("tensordot", CUBE, CUBE[0], axes=[[1, 2], [0, 1]])
case("tensordot", SQUARES, SQUARES[0])
case("tensordot", CUBE, X, axes=[[1, 2], [0, 1]])
case("einsum", "bij,jk->bik", CUBE, Z)
case("einsum", "ij,ij->", X, Y)
case("einsum", "ij,kj->ik", INTS.astype("int8"), INTS.astype("int8"))
case("cross", Z, Z[::-1])
case("correlate", V, W)
case("correlate", V, W[:3], mode="full")
case("cdist", X, Y)
case("cdist", CUBE, CUBE[:, :2])

theme("linear algebra")
case("det inv slogdet logdet", SQUARE)
case("det inv slogdet", SQUARES)
case("cholesky", POSITIVE)
case("cholesky", POSITIVE, upper=True)
case("cholesky_inverse", np.linalg.cholesky(POSITIVE))
case("eigh", POSITIVE)
case("eig", SQUARE)
case("qr svd", Z)
case("qr", Z, mode="complete")
case("svd", Z, full_matrices=False)
case("svd", Z, compute_uv=False)
case("lu_factor", SQUARE)
case("lu_factor", SQUARES)
case("solve", SQUARE, Z)
case("solve", POSITIVE, X[0])
case("solve_triangular", np.triu(SQUARE) + 3 * np.eye(4, dtype="float32"), Z)
case("solve_triangular", np.tril(POSITIVE), Z, lower=True)
case("lstsq", Z, X[0])
case("matrix_rank pinv", Z)
case("matrix_rank", Z @ X)
case("norm", CUBE)
case("norm", CUBE, ord="fro", axis=(1, 2))
case("norm", X, ord=1)
case("norm", X, ord=3, axis=0)
case("norm", INTS, axis=1)

theme("segments and spectra")
_IDS = np.array([0, 0, 2])
case("segment_sum segment_max segment_min segment_prod", X, _IDS, num_segments=3)
case("segment_sum", X, _IDS, 4, sorted=True)
case("extract_sequences", SIGNAL, 16, 5)
case("fft", SPECTRUM)
case("fft2 ifft2", (CUBE, CUBE[::-1].copy()))
case("irfft", (X, Y))
case("irfft", (X, Y), 5)
case("rfft", SIGNAL)
case("rfft", SIGNAL, fft_length=20)
case("stft", SIGNAL, 16, 5, 20)
case("stft", SIGNAL, 16, 8, 16, window="hamming", center=False)
case("stft", SIGNAL, 16, 8, 16, window=None)
case("istft", (_normal(2, 5, 9), _normal(2, 5, 9)), 16, 4, 16)
case("istft", (_normal(2, 5, 11), _normal(2, 5, 11)), 16, 4, 20, 25, center=False)
case("view_as_complex", Z[:, :2])
case("view_as_real", COMPLEX)

theme("images")
for _method in ("bilinear", "nearest", "bicubic", "lanczos3"):
    case("image.resize", IMAGES, (3, 4), interpolation=_method, antialias=True)
for _size in ((12, 10), (5, 16)):
    case("image.resize", IMAGES, _size, crop_to_aspect_ratio=True)
    case("image.resize", IMAGES, _size, pad_to_aspect_ratio=True, fill_value=0.5)
case("image.resize", BYTES, (3, 4))
case("image.resize", IMAGES[0], (3, 4), data_format="channels_first")
case("image.crop_images", IMAGES, 1, 2, 2, 3)
case("image.crop_images", IMAGES, top_cropping=1, left_cropping=2, target_height=2, target_width=3)
case("image.pad_images", IMAGES, 1, 2, 2, 3)
case("image.pad_images", IMAGES[0], 1, None, None, 2, 10, 11)
case("image.rgb_to_grayscale", BYTES)
case("image.rgb_to_grayscale image.rgb_to_hsv image.hsv_to_rgb", IMAGES)
_FIRST = np.moveaxis(IMAGES, -1, 1).copy()
case("image.rgb_to_grayscale image.rgb_to_hsv image.hsv_to_rgb", _FIRST, "channels_first")
case("image.extract_patches", IMAGES, 2)
case("image.extract_patches", IMAGES, (3, 2), padding="same")
case("image.extract_patches", IMAGES, 3, strides=2, padding="same")
case("image.extract_patches", IMAGES[0], 3, strides=1, dilation_rate=2)
case("image.extract_patches", _FIRST, 3, strides=2, data_format="channels_first")
case("image.extract_patches_3d", _normal(2, 4, 5, 6, 2), (2, 2, 3))
case("image.gaussian_blur", IMAGES, (5, 3), (1.5, 0.7), data_format="channels_last")
case("image.gaussian_blur", _FIRST, data_format="channels_first")
case("image.sobel_edges", IMAGES)
case("image.sobel_edges", _FIRST, data_format="channels_first")
case("image.ssim", IMAGES, IMAGES[::-1].copy(), filter_size=5)
_TURN = np.array([[0.9, 0.2, 1, -0.1, 1.1, 0.5, 0, 0], [1, 0, 2, 0, 1, -1, 0, 0]], "float32")
for _fill in ("constant", "reflect"):
    case("image.affine_transform", IMAGES, _TURN, fill_mode=_fill, fill_value=0.25)
case("image.affine_transform", IMAGES[0], _TURN[0], "nearest")
_CORNERS = np.array([[0, 0], [7, 0], [0, 5], [7, 5]], "float32")
_MOVED = np.array([[1, 0], [6, 1], [0, 5], [7, 4]], "float32")
case("image.perspective_transform", IMAGES[0], _CORNERS, _MOVED)
case(
    "image.perspective_transform",
    IMAGES,
    np.stack([_CORNERS, _MOVED]),
    np.stack([_MOVED, _CORNERS]),
    interpolation="nearest",
)
case("image.map_coordinates", X, 3 * _rng.uniform(size=(2, 5)).astype("float32"), 1)
case("image.map_coordinates", X, 5 * _normal(2, 3, 2), 0, fill_mode="reflect")
case(
    "image.scale_and_translate",
    IMAGES[0],
    (4, 5, 3),
    np.array([0.5, 0.7], "float32"),
    np.array([0.2, 0.3], "float32"),
    (0, 1),
    "linear",
)
