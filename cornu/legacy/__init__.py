"""Models of Keras 1, Keras 2 and tf.keras as configs, arrays and classes of today.

Configs are converted from plain data to plain data before an object is created. The tables have a
row for each class that changed; what has no row is the same today. Classes without an equal today
are in `layers`, `activations` and `optimizers`.
"""
