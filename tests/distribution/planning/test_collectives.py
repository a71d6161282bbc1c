"""Tests of finding collectives, with programs whose collectives are known by hand."""

import numpy as np
import pytest

from cornu.distribution.planning.collectives import bytes_by_kind, find_collectives
from cornu.distribution.planning.hlo import read_program
from cornu.distribution.planning.replica_groups import find_axes, read_groups

MESH = {"data": 4, "model": 2}
GROUPS = "replica_groups="


def program(*lines, devices=8):
    body = "\n".join(f"  {line}" for line in lines)
    return read_program(
        f"HloModule m, num_partitions={devices}\n\n"
        f"ENTRY %main (p: f32[8,16]) -> f32[8,16] {{\n"
        f"  %p = f32[8,16]{{1,0}} parameter(0)\n{body}\n}}\n"
    )


def all_reduce(groups):
    return program(
        f"ROOT %r = f32[8,16]{{1,0}} all-reduce(%p), channel_id=1, replica_groups={groups}, "
        "use_global_device_ids=true, to_apply=%add"
    )


MODEL_GROUPS = [[0, 1], [2, 3], [4, 5], [6, 7]]
DATA_GROUPS = [[0, 2, 4, 6], [1, 3, 5, 7]]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("{{0,1},{2,3},{4,5},{6,7}}", MODEL_GROUPS),
        ("[4,2]<=[8]", MODEL_GROUPS),
        ("[2,4]<=[4,2]T(1,0)", DATA_GROUPS),
        ("mesh['axis_0'=4,'axis_1'=2] {'axis_1'}", MODEL_GROUPS),
        ("mesh['axis_0'=4,'axis_1'=2] {'axis_0'}", DATA_GROUPS),
        ("mesh['axis_0'=4,'axis_1'=1,'axis_2'=2] {'axis_0'}", DATA_GROUPS),
        ("mesh['a'=4,'b'=2] {'a','b'}", [list(range(8))]),
        ("mesh['a'=8] {'a':(4)2}", MODEL_GROUPS),
        ("mesh['a'=8] {'a':(1)4}", DATA_GROUPS),
        ("mesh['a'=2,'b'=4], device_ids=([4,2]T(1,0)) {'b'}", DATA_GROUPS),
        (
            "mesh['a'=4,'b'=1,'c'=2], device_ids=([2,4]T(1,0)) {'c'}",
            [[0, 4], [1, 5], [2, 6], [3, 7]],
        ),
        ("{}", [list(range(8))]),
    ],
)
def test_groups_in_all_notations(text, groups):
    instruction = all_reduce(text).entry.instructions["r"]
    assert read_groups(instruction, 8).tolist() == groups


@pytest.mark.parametrize(
    ("groups", "axes"),
    [
        (MODEL_GROUPS, ("model",)),
        (DATA_GROUPS, ("data",)),
        ([list(range(8))], ("data", "model")),
        ([[0, 3], [1, 2], [4, 7], [5, 6]], None),
        ([[0, 2], [4, 6], [1, 3], [5, 7]], None),
        ([[i] for i in range(8)], ()),
    ],
)
def test_axes_of_groups(groups, axes):
    assert find_axes(np.array(groups), MESH) == axes


@pytest.mark.parametrize(
    ("kind", "result", "attributes", "sent", "axes"),
    [
        # The operand has 8 x 16 numbers of 4 bytes: S = 512. An all-reduce over 2 devices sends
        # 2 S / 2, over 8 devices 2 S x 7 / 8.
        ("all-reduce", "f32[8,16]", f"{GROUPS}[4,2]<=[8]", 512, ("model",)),
        (
            "all-reduce",
            "f32[8,16]",
            "replica_groups=[1,8]<=[8]",
            2 * 512 * 7 // 8,
            ("data", "model"),
        ),
        ("all-gather", "f32[32,16]", f"{GROUPS}[2,4]<=[4,2]T(1,0)", 2048 * 3 // 4, ("data",)),
        (
            "reduce-scatter",
            "f32[2,16]",
            "replica_groups=[2,4]<=[4,2]T(1,0)",
            512 * 3 // 4,
            ("data",),
        ),
        ("all-to-all", "f32[8,16]", f"{GROUPS}[4,2]<=[8]", 256, ("model",)),
        (
            "collective-permute",
            "f32[8,16]",
            "source_target_pairs={{0,1},{1,0},{2,3},{3,2}}",
            512,
            ("model",),
        ),
    ],
)
def test_bytes_sent(kind, result, attributes, sent, axes):
    found = find_collectives(
        program(f"ROOT %r = {result}{{1,0}} {kind}(%p), {attributes}"), MESH, node_size=4
    )
    assert [(c.kind, c.sent_bytes, c.axes, c.count) for c in found] == [(kind, sent, axes, 1)]
    assert bytes_by_kind(found) == {kind: sent}


def test_several_operands_and_dtypes_add_up():
    found = find_collectives(
        program(
            "%h = bf16[8,16]{1,0} convert(%p)",
            "ROOT %r = (f32[8,16]{1,0}, bf16[8,16]{1,0}) all-reduce(%p, %h), "
            "replica_groups=[4,2]<=[8], to_apply=%add",
        ),
        MESH,
    )
    assert [c.operand_bytes for c in found] == [512 + 256]


def test_both_parts_of_an_asynchronous_operation_are_one():
    found = find_collectives(
        program(
            "%s = (f32[8,16]{1,0}, f32[32,16]{1,0}) all-gather-start(%p), "
            "replica_groups=[2,4]<=[4,2]T(1,0), dimensions={0}",
            "ROOT %d = f32[32,16]{1,0} all-gather-done(%s)",
        ),
        MESH,
    )
    assert [(c.kind, c.operand_bytes, c.result_bytes) for c in found] == [("all-gather", 512, 2048)]


def test_devices_of_a_group_in_one_node():
    found = find_collectives(all_reduce("[2,4]<=[4,2]T(1,0)"), MESH, node_size=4)
    assert (found[0].devices, found[0].spread) == (4, 2)


@pytest.mark.parametrize(
    ("lines", "scattered"),
    [
        (["ROOT %s = f32[2,16]{1,0} dynamic-slice(%r, %i, %z), dynamic_slice_sizes={2,16}"], True),
        (
            [
                "%t = f32[16,8]{0,1} transpose(%r), dimensions={1,0}",
                "ROOT %s = f32[4,8]{1,0} dynamic-slice(%t, %i, %z), dynamic_slice_sizes={4,8}",
            ],
            True,
        ),
        (["ROOT %s = f32[4,16]{1,0} dynamic-slice(%r, %i, %z), dynamic_slice_sizes={4,16}"], False),
        (
            [
                "%s = f32[2,16]{1,0} dynamic-slice(%r, %i, %z), dynamic_slice_sizes={2,16}",
                "ROOT %n = f32[8,16]{1,0} negate(%r)",
            ],
            False,
        ),
        (["ROOT %n = f32[8,16]{1,0} negate(%r)"], False),
    ],
)
def test_an_all_reduce_of_which_each_device_uses_its_part(lines, scattered):
    found = find_collectives(
        program(
            "%i = s32[] constant(0)",
            "%z = s32[] constant(0)",
            "%r = f32[8,16]{1,0} all-reduce(%p), replica_groups=[2,4]<=[4,2]T(1,0), to_apply=%add",
            *lines,
        ),
        MESH,
    )
    one = found[0]
    assert one.is_scattered == scattered
    assert one.sent_bytes == 2 * 512 * 3 // 4
    assert one.scattered().sent_bytes == (512 * 3 // 4 if scattered else one.sent_bytes)


def test_a_mesh_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"compiled for 8 devices; the mesh \{'data': 4\} has 4"):
        find_collectives(all_reduce("{}"), {"data": 4})
