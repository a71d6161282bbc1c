"""Batcher: requests that wait are computed together, each with its own result."""

import asyncio
import threading

import numpy as np
import pytest

from cornu.serving.batching import Batcher
from cornu.serving.errors import RequestError

OPTIONS = {"rowwise": True, "max_rows": 8, "max_waiting": 20, "max_shapes": 10}


def serve(compute, requests, **options):
    """Returns the results of simultaneous requests, and the sizes of the batches."""
    sizes = []

    async def run():
        batcher = Batcher(compute, **{**OPTIONS, **options}, observe=sizes.append)
        batcher.start()
        results = await asyncio.gather(
            *(batcher.infer((array,)) for array in requests), return_exceptions=True
        )
        await batcher.close()
        return results

    return asyncio.run(run()), sizes


def rows(*numbers):
    return np.array(numbers, "float32")[:, None]


def test_requests_are_computed_together():
    shapes = []

    def double(arrays):
        shapes.append(len(arrays[0]))
        return [2 * arrays[0]]

    requests = [rows(i, i + 0.5, i + 0.25) for i in range(5)]
    results, sizes = serve(double, requests)
    assert sizes == [6, 6, 3] and shapes == [8, 8, 4]  # padded
    for request, (result,) in zip(requests, results, strict=True):
        np.testing.assert_array_equal(result, 2 * request)


def test_requests_of_other_shapes_are_computed_apart():
    requests = [np.zeros((1, 1), "f4"), np.ones((1, 2), "f4"), np.ones((1, 2), "f4")]
    results, sizes = serve(lambda arrays: [arrays[0]], requests)
    assert sizes == [1, 2]
    for request, (result,) in zip(requests, results, strict=True):
        np.testing.assert_array_equal(result, request)


def test_models_that_mix_rows_compute_each_request_alone():
    results, sizes = serve(
        lambda arrays: [arrays[0] - arrays[0].mean()], [rows(1, 3), rows(5)], rowwise=False
    )
    assert sizes == [2, 1]
    assert [result[0].ravel().tolist() for result in results] == [[-1, 1], [0]]


def test_a_wrong_request_does_not_affect_those_beside_it():
    def check(arrays):
        if (arrays[0] < 0).any():
            raise ValueError("negative")
        return [arrays[0]]

    (first, second, third), _ = serve(check, [rows(1), rows(-1), rows(2)])
    assert first[0].tolist() == [[1]] and third[0].tolist() == [[2]]
    assert isinstance(second, ValueError)


def test_a_failure_is_that_of_every_request_of_its_batch():
    def fail(arrays):
        raise RuntimeError("out of memory")

    results, _ = serve(fail, [rows(1), rows(2)])
    assert [str(result) for result in results] == ["out of memory"] * 2


def test_too_many_requests_are_refused():
    results, _ = serve(lambda arrays: [arrays[0]], [rows(i) for i in range(5)], max_waiting=3)
    refused = [result for result in results if isinstance(result, RequestError)]
    assert len(refused) == 2 and refused[0].status == 503


def test_too_many_shapes_are_refused():
    requests = [np.zeros((1, i), "f4") for i in range(1, 6)]
    results, _ = serve(lambda arrays: [arrays[0]], requests, max_shapes=3)
    refused = [result for result in results if isinstance(result, RequestError)]
    assert [error.status for error in refused] == [400, 400]


def test_what_was_accepted_is_answered_before_the_end():
    began, go_on = threading.Event(), threading.Event()

    def wait(arrays):
        began.set()
        go_on.wait(10)
        return [arrays[0]]

    async def run():
        batcher = Batcher(wait, **OPTIONS)
        batcher.start()
        waiting = [asyncio.create_task(batcher.infer((rows(i),))) for i in range(3)]
        await asyncio.to_thread(began.wait, 10)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        go_on.set()
        await closing
        return await asyncio.gather(*waiting)

    assert [result[0].item() for result in asyncio.run(run())] == [0, 1, 2]


def test_a_client_that_leaves_does_not_affect_others():
    async def run():
        batcher = Batcher(lambda arrays: [arrays[0]], **OPTIONS)
        batcher.start()
        left = asyncio.create_task(batcher.infer((rows(1),)))
        stays = asyncio.create_task(batcher.infer((rows(2),)))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        result = await stays
        await batcher.close()
        return result, batcher.waiting

    result, waiting = asyncio.run(run())
    assert result[0].tolist() == [[2]] and waiting == 0
