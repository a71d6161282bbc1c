"""Layout: nothing overlaps, frames hold their parts, edges point forward, and work is bounded."""

import random

import pytest

from cornu.inspect.plot.coordinates import Link, assign_coordinates
from cornu.inspect.plot.layout import Box, Edge, compute_layout


def leaf():
    return Box(width=80.0, height=30.0)


def chain(count):
    boxes = [leaf() for _ in range(count)]
    return boxes, [Edge(a, b) for a, b in zip(boxes, boxes[1:], strict=False)]


def nested(seed, count=60):
    """A random graph in random frames: consecutive boxes stand together, as blocks do."""
    rng = random.Random(seed)
    boxes = [leaf() for _ in range(count)]
    edges = [Edge(boxes[rng.randrange(max(0, i - 6), i)], boxes[i]) for i in range(1, count)]
    edges += [Edge(*sorted(rng.sample(boxes, 2), key=boxes.index)) for _ in range(count // 4)]
    parts = list(boxes)
    for _ in range(2):  # twice, so that frames stand in frames
        grouped = []
        while parts:
            size = rng.randrange(1, 6)
            group, parts = parts[:size], parts[size:]
            frame = Box(parts=group, heading=20.0, width=60.0)
            grouped += [frame] if len(group) > 1 and rng.random() < 0.7 else group
        parts = grouped
    return Box(parts=parts), edges


def overlap(a, b):
    return (
        a.x < b.x + b.width - 1e-6
        and b.x < a.x + a.width - 1e-6
        and a.y < b.y + b.height - 1e-6
        and b.y < a.y + a.height - 1e-6
    )


def inside(box, frame):
    return (
        frame.x <= box.x + 1e-6
        and box.x + box.width <= frame.x + frame.width + 1e-6
        and frame.y <= box.y + 1e-6
        and box.y + box.height <= frame.y + frame.height + 1e-6
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_frames_hold_their_parts_and_siblings_do_not_overlap(seed, rankdir):
    root, edges = nested(seed)
    found = compute_layout(root, edges, rankdir)
    root.width, root.height = found.width, found.height
    for frame in root.walk():
        for i, part in enumerate(frame.parts):
            assert inside(part, frame)
            assert not any(overlap(part, other) for other in frame.parts[i + 1 :])
            if frame is not root:  # the heading is at the upper edge, wherever edges point
                assert part.y >= frame.y + frame.heading - 1e-6


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_lines_point_along(seed, rankdir):
    root, edges = nested(seed)
    found = compute_layout(root, edges, rankdir)
    axis, sign = (1 if rankdir in ("TB", "BT") else 0), (1 if rankdir in ("TB", "LR") else -1)
    for line in found.lines:
        along = [round(sign * point[axis], 6) for point in line.points]
        assert along == sorted(along)
    for edge in edges:
        a, b = edge.source, edge.target
        ends = {"TB": (a.y + a.height, b.y), "LR": (a.x + a.width, b.x)}
        ends |= {"BT": (b.y + b.height, a.y), "RL": (b.x + b.width, a.x)}
        assert ends[rankdir][0] <= ends[rankdir][1]


def test_lines_begin_and_end_at_boxes_and_join_at_frames():
    root, edges = nested(1)
    found = compute_layout(root, edges)
    ends = {(round(x, 3), round(y, 3)) for line in found.lines for x, y in line.points[-1:]}
    starts = {(round(x, 3), round(y, 3)) for line in found.lines for x, y in line.points[:1]}
    for edge in edges:
        a, b = edge.source, edge.target
        assert (round(a.x + a.width / 2, 3), round(a.y + a.height, 3)) in starts
        assert (round(b.x + b.width / 2, 3), round(b.y, 3)) in ends
    corners = {(box.x + box.width / 2, box.y) for box in root.walk() if not box.parts}
    corners = {(round(x, 3), round(y, 3)) for x, y in corners}
    # What ends at no box ends at a frame's edge, where another line goes on.
    assert ends - corners <= starts


def test_no_line_goes_through_a_box():
    for seed in range(4):
        root, edges = nested(seed)
        found = compute_layout(root, edges)
        for line in found.lines:
            for (x, top), (other, bottom) in zip(line.points, line.points[1:], strict=False):
                if x != other:
                    continue  # a curve, between two rows
                for box in root.walk():
                    if box.parts or box is line.source:
                        continue
                    within = box.x + 1e-6 < x < box.x + box.width - 1e-6
                    assert not (
                        within and top < box.y + box.height - 1e-6 and bottom > box.y + 1e-6
                    )


def test_chains_are_straight_also_through_frames():
    boxes, edges = chain(12)
    frame = Box(parts=boxes[3:6], heading=20.0, width=300.0)
    root = Box(parts=[*boxes[:3], frame, *boxes[6:]])
    found = compute_layout(root, edges)
    assert len({round(box.x, 6) for box in boxes}) == 1
    assert len({round(x, 6) for line in found.lines for x, _ in line.points}) == 1


def test_a_long_edge_is_straight_beside_what_it_passes():
    boxes, edges = chain(6)
    found = compute_layout(Box(parts=boxes), [*edges, Edge(boxes[0], boxes[5])])
    (line,) = (line for line in found.lines if len(line.points) > 4)
    assert len({round(x, 6) for x, _ in line.points[2:-2]}) == 1
    assert all(box.x + box.width <= line.points[3][0] or line.points[3][0] <= box.x
               for box in boxes[1:5])  # fmt: skip


def test_edges_are_untangled():
    left, right = [leaf() for _ in range(5)], [leaf() for _ in range(5)]
    top, end = leaf(), leaf()
    edges = [Edge(top, box) for box in left]
    edges += [Edge(a, b) for a, b in zip(left, reversed(right), strict=True)]
    edges += [Edge(box, end) for box in right]
    compute_layout(Box(parts=[top, *left, *right, end]), edges)
    assert [box.x for box in left] == [box.x for box in reversed(right)]


def test_lines_of_one_source_and_lines_to_one_target_are_shared():
    boxes, edges = chain(40)
    many = [*edges, *(Edge(boxes[0], box) for box in boxes[2:])]
    assert len(compute_layout(Box(parts=boxes), many).levels.popitem()[1].slots) < 2 * 40
    boxes, edges = chain(40)
    many = [*edges, *(Edge(box, boxes[-1]) for box in boxes[:-2])]
    assert len(compute_layout(Box(parts=boxes), many).levels.popitem()[1].slots) < 2 * 40


def test_the_same_model_gives_the_same_picture():
    def places():
        root, edges = nested(5)
        found = compute_layout(root, edges)
        return [(box.x, box.y) for box in root.walk()], [line.points for line in found.lines]

    assert places() == places()


def test_hidden_edges_order_boxes_but_are_not_drawn():
    a, b = leaf(), leaf()
    found = compute_layout(Box(parts=[a, b]), [Edge(a, b, visible=False)])
    assert a.y + a.height < b.y and found.lines == []


def test_cycles_and_single_boxes_are_laid_out():
    a, b, c = leaf(), leaf(), leaf()
    compute_layout(Box(parts=[a, b, c]), [Edge(a, b), Edge(b, a), Edge(b, c)])
    assert not overlap(a, b) and not overlap(b, c)
    one = leaf()
    found = compute_layout(Box(parts=[one]), [])
    assert (found.width, found.height) == (80.0, 30.0)


@pytest.mark.parametrize("skips", [0, 300, 1000])
def test_a_thousand_nodes_take_few_steps(skips):
    rng = random.Random(0)
    boxes, edges = chain(1000)
    for _ in range(skips):
        start = rng.randrange(980)
        edges.append(Edge(boxes[start], boxes[start + rng.randrange(2, 20)]))
    found = compute_layout(Box(parts=boxes), edges)
    assert found.operations < 40 * len(found.levels.popitem()[1].slots) + 10_000


def test_a_thousand_nodes_in_blocks_take_few_steps():
    boxes, edges = chain(1000)
    edges += [Edge(boxes[i], boxes[i + 9]) for i in range(0, 990, 10)]
    frames = [Box(parts=boxes[i : i + 10], heading=20.0) for i in range(0, 1000, 10)]
    assert compute_layout(Box(parts=frames), edges).operations < 30_000


def test_columns_end_at_ports():
    # Two wide things; the edge leaves the first 30 to the right of its middle.
    xs = assign_coordinates([[0], [1]], [100.0, 20.0], [False, False], [Link(0, 1, 30.0, 0.0)])
    assert xs[1] - xs[0] == pytest.approx(30.0)
    assert assign_coordinates([], [], [], []) == []


def test_boxes_above_several_ports_are_centered_above_them():
    links = [Link(0, 2, 0.0, -80.0), Link(1, 2, 0.0, 80.0)]
    xs = assign_coordinates([[0, 1], [2]], [60.0, 60.0, 300.0], [False] * 3, links)
    assert [x - xs[2] for x in xs[:2]] == pytest.approx([-80.0, 80.0])
    close = [Link(0, 2, 0.0, -10.0), Link(1, 2, 0.0, 10.0)]
    xs = assign_coordinates([[0, 1], [2]], [60.0, 60.0, 300.0], [False] * 3, close)
    assert xs[1] - xs[0] >= 60.0
