"""Automatic names of objects, and the cost of finding them."""

from cornu.names import make_unique


class Counting(dict):
    """Counts lookups of names."""

    lookups = 0

    def __contains__(self, name):
        self.lookups += 1
        return super().__contains__(name)


def test_the_smallest_free_number_is_taken():
    taken = dict.fromkeys(["add", "add_2", "b"], 0)
    assert [make_unique("add", taken) for _ in range(3)] == ["add_1", "add_3", "add_4"]
    assert make_unique("add_2", taken) == "add_2_1" and make_unique("c", taken) == "c"
    assert {"add_1", "add_3", "add_4", "add_2_1", "b", "c"} <= set(taken)


def test_unique_names_take_linear_time():
    taken = Counting()
    names = [make_unique("add", taken) for _ in range(1000)]
    assert names[0] == "add" and names[-1] == "add_999" and len(set(names)) == 1000
    assert taken.lookups < 2000
