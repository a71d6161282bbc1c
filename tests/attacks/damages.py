"""Damage of files: of their bytes, and of the entries of their configs."""

import copy


def flip(data, rng):
    for _ in range(rng.choice((1, 1, 1, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def overwrite(data, rng):
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 8, 200))
    filling = rng.choice((b"\x00", b"\xff", b"\x7f", bytes([rng.randrange(256)])))
    data[at : at + length] = (filling * length)[: len(data) - at]
    return data


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def remove(data, rng):
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 8, 500))]
    return data


def copy_within(data, rng):
    a, b, length = rng.randrange(len(data)), rng.randrange(len(data)), rng.choice((4, 8, 100))
    piece = data[a : a + length]
    data[b : b + len(piece)] = piece
    return data


DAMAGES = (flip, flip, overwrite, cut, remove, copy_within)

STRANGE = (None, True, -1, 0, 2, 10**9, 10**30, 1e308, "", "x", "relu", [], {}, [None], "a/b", "..")


def places_in(value):
    """Yields each (container, key) in JSON data."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from places_in(item)


def damage_config(good, rng):
    """Returns a config of which some entries are changed, removed or exchanged."""
    config = copy.deepcopy(good)
    for _ in range(rng.choice((1, 1, 2, 5))):
        places = list(places_in(config))
        container, key = rng.choice(places)
        damage = rng.randrange(3)
        if damage == 0:
            container[key] = rng.choice(STRANGE)
        elif damage == 1:
            del container[key]
        else:
            other, place = rng.choice(places)
            container[key] = copy.deepcopy(other[place])
    return config
