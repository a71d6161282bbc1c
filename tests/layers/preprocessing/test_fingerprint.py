"""Fingerprints against TensorFlow's, and compiled against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu.layers.preprocessing.tabular import fingerprint

BINS = 2**31 - 1
RNG = np.random.default_rng(0)
TEXTS = [RNG.bytes(length) for length in [*range(200), 255, 256, 257, 1000]]
NUMBERS = np.concatenate(
    [RNG.integers(-(2**63), 2**63 - 1, 50), [0, -1, 1, 9, 10, -10, 2**63 - 1, 10**18, -(10**15)]]
)


def test_farmhash_and_siphash_of_all_lengths_are_tensorflows():
    tf = pytest.importorskip("tensorflow")
    rows, lengths = fingerprint.pack_bytes(TEXTS)
    expected = tf.strings.to_hash_bucket_fast(tf.constant(TEXTS), BINS).numpy()
    assert (fingerprint.farmhash(rows, lengths) % np.uint64(BINS) == expected).all()
    key = [133, 2**40 + 7]
    expected = tf.strings.to_hash_bucket_strong(tf.constant(TEXTS), BINS, key=key).numpy()
    assert (fingerprint.siphash(rows, lengths, key) % np.uint64(BINS) == expected).all()


def test_crossings_are_tensorflows():
    tf = pytest.importorskip("tensorflow")
    numbers, texts = NUMBERS[:50], TEXTS[:50]
    columns = [tf.constant(numbers)[:, None], tf.constant(texts)[:, None]]
    expected = tf.sparse.to_dense(tf.sparse.cross_hashed(columns, BINS)).numpy().ravel()
    parts = [numbers.astype("uint64"), fingerprint.farmhash(*fingerprint.pack_bytes(texts))]
    assert (
        fingerprint.combine_fingerprints(0xDECAFCAFFE, parts) % np.uint64(BINS) == expected
    ).all()


def test_integers_are_written_as_python_writes_them():
    rows, lengths = fingerprint.format_decimals(NUMBERS)
    written = [bytes(row[:n]).decode() for row, n in zip(rows, lengths, strict=True)]
    assert written == [str(n) for n in NUMBERS.tolist()]
    whole = fingerprint.farmhash(rows, lengths)
    assert (fingerprint.farmhash_of_digits(rows, lengths, np) == whole).all()


def test_compiled_fingerprints_are_numpys():
    numbers = np.array([0, -1, 2**31 - 1, -(2**31), 12345], "int32")

    @jax.jit
    def compiled(x):
        with jax.enable_x64(True):
            digits = fingerprint.format_decimals(x.astype("int64"), jnp)
            hashes = fingerprint.farmhash_of_digits(*digits, jnp)
            strong = fingerprint.siphash(*digits, (1, 2), jnp)
            return [(h % np.uint64(BINS)).astype("int32") for h in (hashes, strong)]

    digits = fingerprint.format_decimals(numbers.astype("int64"))
    expected = fingerprint.farmhash(*digits), fingerprint.siphash(*digits, (1, 2))
    for ours, target in zip(compiled(numbers), expected, strict=True):
        assert (np.asarray(ours) == target % np.uint64(BINS)).all()
