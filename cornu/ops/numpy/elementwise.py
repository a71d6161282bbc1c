"""Functions that treat every element alike: arithmetic, exp and log, angles, comparisons, bits."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cornu.ops._table import as_float, define, floats, row

__all__ = [
    "abs",
    "absolute",
    "add",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "clip",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "divide",
    "divide_no_nan",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "i0",
    "imag",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "ldexp",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "not_equal",
    "power",
    "rad2deg",
    "real",
    "reciprocal",
    "right_shift",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
]

# Arithmetic.
add = row("add(x1, x2)", jnp.add, "The sum x1 + x2.")
subtract = row("subtract(x1, x2)", jnp.subtract, "The difference x1 - x2.")
multiply = row("multiply(x1, x2)", jnp.multiply, "The product x1 * x2.")
divide = row("divide(x1, x2)", jnp.divide, "The quotient x1 / x2, in floats.")
true_divide = row("true_divide(x1, x2)", jnp.divide, "The quotient x1 / x2, in floats.")
floor_divide = row("floor_divide(x1, x2)", jnp.floor_divide, "The quotient, rounded down.")
mod = row("mod(x1, x2)", jnp.mod, "The remainder of x1 / x2, with the sign of x2.")
fmod = row("fmod(x1, x2)", jnp.fmod, "The remainder of x1 / x2, with the sign of x1.")
power = row("power(x1, x2)", jnp.power, "x1 to the power of x2.")
negative = row("negative(x)", jnp.negative, "The negative -x.")
absolute = row("absolute(x)", jnp.absolute, "The absolute value |x|.")
abs = row("abs(x)", jnp.absolute, "The absolute value |x|.")
fabs = row("fabs(x)", jnp.fabs, "The absolute value |x|, in floats.")
sign = row("sign(x)", jnp.sign, "-1, 0 or 1, as x is negative, zero or positive.")
reciprocal = row("reciprocal(x)", floats(jnp.reciprocal), "The reciprocal 1 / x.")
square = row("square(x)", jnp.square, "The square x * x.")
sqrt = row("sqrt(x)", floats(jnp.sqrt), "The square root.")
cbrt = row("cbrt(x)", floats(jnp.cbrt), "The cube root.")
hypot = row("hypot(x1, x2)", jnp.hypot, "The length of (x1, x2): sqrt(x1² + x2²).")
gcd = row("gcd(x1, x2)", jnp.gcd, "The greatest common divisor of integers.")
lcm = row("lcm(x1, x2)", jnp.lcm, "The least common multiple of integers.")
maximum = row("maximum(x1, x2)", jnp.maximum, "The larger of two values; NaN where one is NaN.")
minimum = row("minimum(x1, x2)", jnp.minimum, "The smaller of two values; NaN where one is NaN.")
fmax = row("fmax(x1, x2)", jnp.fmax, "The larger of two values; a NaN gives way to the other.")
fmin = row("fmin(x1, x2)", jnp.fmin, "The smaller of two values; a NaN gives way to the other.")
heaviside = row(
    "heaviside(x1, x2)",
    jnp.heaviside,
    """The step function: 0 for negative, 1 for positive numbers, and x2 at zero.
    x2: the value at zero.""",
)
nextafter = row("nextafter(x1, x2)", jnp.nextafter, "The next number after x1 towards x2.")

# Powers and logarithms.
exp = row("exp(x)", floats(jnp.exp), "e to the power of x.")
exp2 = row("exp2(x)", floats(jnp.exp2), "2 to the power of x.")
expm1 = row("expm1(x)", floats(jnp.expm1), "exp(x) - 1, exact also for small x.")
log = row("log(x)", floats(jnp.log), "The natural logarithm.")
log10 = row("log10(x)", floats(jnp.log10), "The logarithm to base 10.")
log2 = row("log2(x)", floats(jnp.log2), "The logarithm to base 2.")
log1p = row("log1p(x)", floats(jnp.log1p), "log(1 + x), exact also for small x.")
logaddexp = row("logaddexp(x1, x2)", jnp.logaddexp, "log(exp(x1) + exp(x2)) without overflow.")
logaddexp2 = row("logaddexp2(x1, x2)", jnp.logaddexp2, "log2(2**x1 + 2**x2) without overflow.")

# Angles and hyperbolic functions.
sin = row("sin(x)", floats(jnp.sin), "The sine of an angle in radians.")
cos = row("cos(x)", floats(jnp.cos), "The cosine of an angle in radians.")
tan = row("tan(x)", floats(jnp.tan), "The tangent of an angle in radians.")
arcsin = row("arcsin(x)", floats(jnp.arcsin), "The angle whose sine is x.")
arccos = row("arccos(x)", floats(jnp.arccos), "The angle whose cosine is x.")
arctan = row("arctan(x)", floats(jnp.arctan), "The angle whose tangent is x.")
arctan2 = row("arctan2(x1, x2)", jnp.arctan2, "The angle of the point (x2, x1), in (-π, π].")
sinh = row("sinh(x)", floats(jnp.sinh), "The hyperbolic sine.")
cosh = row("cosh(x)", floats(jnp.cosh), "The hyperbolic cosine.")
tanh = row("tanh(x)", floats(jnp.tanh), "The hyperbolic tangent.")
arcsinh = row("arcsinh(x)", floats(jnp.arcsinh), "The number whose hyperbolic sine is x.")
arccosh = row("arccosh(x)", floats(jnp.arccosh), "The number whose hyperbolic cosine is x.")
arctanh = row("arctanh(x)", floats(jnp.arctanh), "The number whose hyperbolic tangent is x.")
sinc = row("sinc(x)", floats(jnp.sinc), "sin(πx) / πx, and 1 at zero.")
deg2rad = row("deg2rad(x)", floats(jnp.deg2rad), "Degrees as radians.")
rad2deg = row("rad2deg(x)", floats(jnp.rad2deg), "Radians as degrees.")
i0 = row("i0(x)", floats(jnp.i0), "The modified Bessel function of the first kind, order 0.")

# The error function.

# Rounding.
ceil = row("ceil(x)", floats(jnp.ceil), "The next whole number upwards, as a float.")
floor = row("floor(x)", floats(jnp.floor), "The next whole number downwards, as a float.")
trunc = row("trunc(x)", jnp.trunc, "The whole number towards zero.")
clip = row(
    "clip(x, x_min, x_max)",
    lambda x, low, high: jnp.clip(_counted(x), low, high),
    "The value, or the nearest bound where it is outside.",
)
nan_to_num = row(
    "nan_to_num(x, nan=0.0, posinf=None, neginf=None)",
    jnp.nan_to_num,
    """Replaces NaN and infinities.
    nan: what replaces NaN.
    posinf: what replaces infinity; the largest number of the dtype by default.
    neginf: what replaces negative infinity; the smallest number of the dtype by default.""",
)

# Complex numbers.
real = row("real(x)", jnp.real, "The real part.")
imag = row("imag(x)", jnp.imag, "The imaginary part.")
conjugate = row("conjugate(x)", jnp.conjugate, "The complex conjugate.")
conj = row("conj(x)", jnp.conjugate, "The complex conjugate.")
angle = row("angle(x)", floats(jnp.angle), "The angle of a complex number, in radians.")

# Comparisons.
equal = row("equal(x1, x2)", jnp.equal, "Whether x1 == x2.")
not_equal = row("not_equal(x1, x2)", jnp.not_equal, "Whether x1 != x2.")
less = row("less(x1, x2)", jnp.less, "Whether x1 < x2.")
less_equal = row("less_equal(x1, x2)", jnp.less_equal, "Whether x1 <= x2.")
greater = row("greater(x1, x2)", jnp.greater, "Whether x1 > x2.")
greater_equal = row("greater_equal(x1, x2)", jnp.greater_equal, "Whether x1 >= x2.")
isclose = row(
    "isclose(x1, x2, rtol=1e-05, atol=1e-08, equal_nan=False)",
    jnp.isclose,
    "Whether |x1 - x2| <= atol + rtol |x2|.",
)
isfinite = row("isfinite(x)", jnp.isfinite, "Whether x is neither NaN nor infinite.")
isinf = row("isinf(x)", jnp.isinf, "Whether x is infinite.")
isnan = row("isnan(x)", jnp.isnan, "Whether x is NaN.")
isneginf = row("isneginf(x)", jnp.isneginf, "Whether x is negative infinity.")
isposinf = row("isposinf(x)", jnp.isposinf, "Whether x is positive infinity.")
isreal = row("isreal(x)", jnp.isreal, "Whether the imaginary part of x is zero.")
signbit = row("signbit(x)", jnp.signbit, "Whether the sign bit is set (it is for -0.0).")

# Logic.
logical_and = row("logical_and(x1, x2)", jnp.logical_and, "Whether both are true.")
logical_or = row("logical_or(x1, x2)", jnp.logical_or, "Whether at least one is true.")
logical_xor = row("logical_xor(x1, x2)", jnp.logical_xor, "Whether exactly one is true.")
logical_not = row("logical_not(x)", jnp.logical_not, "Whether x is false.")

# Bits of integers.
bitwise_and = row("bitwise_and(x, y)", jnp.bitwise_and, "The bits set in both.")
bitwise_or = row("bitwise_or(x, y)", jnp.bitwise_or, "The bits set in at least one.")
bitwise_xor = row("bitwise_xor(x, y)", jnp.bitwise_xor, "The bits set in exactly one.")
bitwise_not = row("bitwise_not(x)", jnp.invert, "All bits turned around.")
bitwise_invert = row("bitwise_invert(x)", jnp.invert, "All bits turned around.")
_LEFT = "The bits of x moved y places to the left: x * 2**y."
_RIGHT = "The bits of x moved y places to the right: x // 2**y."
left_shift = row("left_shift(x, y)", jnp.left_shift, _LEFT)
right_shift = row("right_shift(x, y)", jnp.right_shift, _RIGHT)
bitwise_left_shift = row("bitwise_left_shift(x, y)", jnp.left_shift, _LEFT)
bitwise_right_shift = row("bitwise_right_shift(x, y)", jnp.right_shift, _RIGHT)


@define
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """The quotient x1 / x2, and 0 where x2 is 0.

    The gradient is finite there, too.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of the first.
    """
    zero = x2 == 0
    return jnp.where(zero, 0, jnp.divide(x1, jnp.where(zero, 1, x2)))


@define
def ldexp(x1: Array, x2: Array) -> Array:
    """x1 * 2**x2.

    Args:
        x1: an array.
        x2: an integer array.
    """
    if x2.dtype.kind not in "iu":
        raise TypeError(f"ldexp: the exponent x2 must be of integers. Received: {x2.dtype}")
    return jnp.ldexp(x1, x2)


@define
def round(x: Array, decimals: int = 0) -> Array:
    """The nearest number with so many decimals; halves go to the even one.

    Args:
        x: an array.
        decimals: how many digits after the point; negative ones are before it.
    """
    if x.dtype.kind in "iu" and decimals < 0:
        unit = 10.0**-decimals
        return (jnp.round(as_float(x) / unit) * unit).astype(x.dtype)
    return jnp.round(x, decimals)


def _counted(x: Array) -> Array:
    x = jnp.asarray(x)
    return x.astype("int32") if x.dtype == bool else x
