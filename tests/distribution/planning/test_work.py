"""Tests of counting arithmetic and memory traffic of a program."""

import pytest

from cornu.distribution.planning.hlo import read_program
from cornu.distribution.planning.work import find_work

CONVOLUTION = (
    "f32[2,8,8,16]{3,2,1,0} convolution(%x, %k), window={size=3x3 pad=1_1x1_1DILATION}, "
    "dim_labels=b01f_01io->b01f"
)


def work(*lines):
    body = "\n".join(f"  {line}" for line in lines)
    return find_work(
        read_program(
            "HloModule m\n\nENTRY %main (x: f32[2,8,8,4]) -> f32[] {\n"
            "  %x = f32[2,8,8,4]{3,2,1,0} parameter(0)\n"
            "  %k = f32[3,3,4,16]{3,2,1,0} parameter(1)\n"
            "  %a = bf16[5,4,8]{2,1,0} parameter(2)\n"
            "  %b = bf16[5,8,6]{2,1,0} parameter(3)\n"
            f"{body}\n}}\n"
        )
    )


@pytest.mark.parametrize(
    ("line", "dtype", "flops", "nbytes"),
    [
        (
            "bf16[5,4,6]{2,1,0} dot(%a, %b), lhs_batch_dims={0}, lhs_contracting_dims={2}, "
            "rhs_batch_dims={0}, rhs_contracting_dims={1}",
            *("bf16", 2 * 5 * 4 * 8 * 6, 2 * (160 + 240 + 120)),
        ),
        (
            CONVOLUTION.replace("DILATION", ""),
            *("f32", 2 * (2 * 8 * 8 * 16) * (3 * 3 * 4), 4 * (512 + 576 + 2048)),
        ),
        (
            CONVOLUTION.replace("DILATION", " lhs_dilate=2x2"),
            *("f32", 2 * (2 * 8 * 8 * 16) * (3 * 3 * 4) // 4, 4 * (512 + 576 + 2048)),
        ),
        ("f32[2,8,8]{2,1,0} reduce(%x, %k), dimensions={3}, to_apply=%add", "f32", 0, 4 * 1216),
    ],
)
def test_operations(line, dtype, flops, nbytes):
    (found,) = work(f"ROOT %r = {line}")
    assert (found.dtype, found.flops, found.nbytes, found.count) == (dtype, flops, nbytes, 1)


def test_elementwise_operations_are_fused():
    assert work("ROOT %r = bf16[5,4,8]{2,1,0} tanh(%a)") == []


def test_annotations_of_shardings_are_no_work():
    call = "bf16[5,4,8]{2,1,0} custom-call(%a), custom_call_target="
    assert work(f'ROOT %r = {call}"Sharding", sharding={{replicated}}') == []
    (found,) = work(f'ROOT %r = {call}"__cublas$gemm"')
    assert found.nbytes == 2 * 320


def test_an_update_in_place_moves_the_slice_only():
    (found,) = work(
        "%s = bf16[1,4,8]{2,1,0} slice(%a), slice={[0:1], [0:4], [0:8]}",
        "%i = s32[] constant(0)",
        "ROOT %u = bf16[5,4,8]{2,1,0} dynamic-update-slice(%a, %s, %i, %i, %i)",
    )
    assert found.nbytes == 2 * 64
