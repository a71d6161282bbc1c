"""Random models of nested models, made equally with cornu and with Keras."""

import functools
import random

WIDTH = 3  # every part maps (None, 3) to (None, 3), so that parts combine freely


@functools.cache
def custom_classes(k):
    """Returns the classes of the program, each with the base classes of one library."""
    register = k.saving.register_keras_serializable("nestings")

    def load(parts):
        return [k.saving.deserialize_keras_object(part) for part in parts]

    def store(parts):
        return [k.saving.serialize_keras_object(part) for part in parts]

    class Owner:
        """Holds parts in attributes around "layers" in the alphabet, and in containers."""

        def __init__(self, parts, **kwargs):
            super().__init__(**kwargs)
            self.parts = parts
            self.first, *rest = parts
            self.zone = {"later": rest[:1], "sooner": tuple(rest[1:2])}
            self._hidden = [rest[2:]]

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

        def get_config(self):
            return {**super().get_config(), "parts": store(self.parts)}

        @classmethod
        def from_config(cls, config):
            return cls(**{**config, "parts": load(config["parts"])})

    class Only(Owner):
        """Holds the parts where only a list of lists, or a dict, refers to them."""

        def __init__(self, parts, **kwargs):
            super(Owner, self).__init__(**kwargs)
            self.nested = [parts[:1], {"rest": parts[1:]}]

        @property
        def parts(self):
            return [*self.nested[0], *self.nested[1]["rest"]]

    @register
    class ChainLayer(Owner, k.layers.Layer):
        pass

    @register
    class ChainModel(Owner, k.Model):
        pass

    @register
    class OnlyLayer(Only, k.layers.Layer):
        pass

    @register
    class OnlyModel(Only, k.Model):
        pass

    @register
    class FunctionalWithAttributes(k.Model):
        """A functional graph and attributes of its own."""

        def __init__(self, parts, **kwargs):
            x = inputs = k.Input((WIDTH,))
            for part in parts:
                x = part(x)
            super().__init__(inputs, x, **kwargs)
            self.a_part = parts[-1]
            self.parts = parts

        def get_config(self):
            return {"name": self.name, "parts": store(self.parts)}

        @classmethod
        def from_config(cls, config):
            return cls(**{**config, "parts": load(config["parts"])})

    return ChainLayer, ChainModel, OnlyLayer, OnlyModel, FunctionalWithAttributes


class Nesting:
    """Makes a random model with one of the libraries; equal seeds give equal models.

    Args:
        k: the library.
        seed: the seed.
        share: whether a layer may be part of several models.
    """

    def __init__(self, k, seed, share=False):
        self.k = k
        self.share = share
        self.random = random.Random(seed)
        self.made = []
        self.after = []

    def model(self):
        k, x = self.k, self.k.Input((WIDTH,))
        inputs = x
        kind = self.random.choice(["chain", "list", "dict", "own", "sequential"])
        if kind == "chain":
            model = k.Model(inputs, self.graph(inputs, 3))
        elif kind == "list":
            model = k.Model(inputs, [self.part(3)(inputs) for _ in range(3)])
        elif kind == "dict":
            model = k.Model(inputs, {name: self.part(3)(inputs) for name in "cab"})
        elif kind == "own":
            model = self.random.choice(custom_classes(k)[1::2])(self.parts(3))
        else:
            model = k.Sequential([inputs, *self.parts(3)])
        for part in self.after:
            part(k.Input((WIDTH,)))
        return model

    def parts(self, depth):
        found = [self.part(depth) for _ in range(self.random.randint(1, 4))]
        return list({id(part): part for part in found}.values())  # a Sequential takes a layer once

    def graph(self, x, depth):
        for _ in range(self.random.randint(1, 3)):
            part = self.part(depth)
            kind = self.random.choice(["once", "once", "twice", "beside", "outputs"])
            if kind == "once":
                x = part(x)
            elif kind == "twice":
                x = part(part(x))
            elif kind == "beside":
                x = self.k.layers.Add()([part(x), self.part(depth)(x)])
            else:
                y = self.k.Input((WIDTH,))
                outputs = {"one": part(y), "two": self.part(depth)(y)}
                if self.random.random() < 0.5:
                    left, right = self.k.Model(y, list(outputs.values()))(x)
                else:
                    found = self.k.Model(y, outputs)(x)
                    left, right = found["one"], found["two"]
                x = self.k.layers.Add()([left, right])
        return x

    def part(self, depth):
        k = self.k
        if self.share and self.made and self.random.random() < 0.15:
            return self.random.choice(self.made)  # shared with another model
        kinds = ["dense", "norm", "dense"]
        if depth:
            kinds += ["functional", "functional", "functional", "open", "sequential", "own", "own"]
        kind = self.random.choice(kinds)
        name = f"given{len(self.made)}" if self.random.random() < 0.2 else None
        if kind == "dense":
            part = k.layers.Dense(WIDTH, use_bias=self.random.random() < 0.7, name=name)
        elif kind == "norm":
            part = k.layers.BatchNormalization(name=name)
        elif kind == "functional":
            inputs = k.Input((WIDTH,))
            part = k.Model(inputs, self.graph(inputs, depth - 1), name=name)
        elif kind == "open":
            part = k.Sequential(self.parts(depth - 1), name=name)
        elif kind == "sequential":
            part = k.Sequential([k.Input((WIDTH,)), *self.parts(depth - 1)], name=name)
        else:
            part = self.random.choice(custom_classes(k))(self.parts(depth - 1), name=name)
        if self.random.random() < 0.2:
            part(k.Input((WIDTH,)))  # a node that belongs to no model
        if self.random.random() < 0.2:
            self.after.append(part)
        self.made.append(part)
        return part
