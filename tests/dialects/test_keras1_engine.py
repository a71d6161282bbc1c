"""`keras.engine` of Keras 1: the thread that reads a generator."""

import itertools

from cornu.dialects.keras1.engine import GeneratorEnqueuer
from tests.processes import run_program


def test_a_generator_is_read_in_order_until_it_is_stopped():
    enqueuer = GeneratorEnqueuer(itertools.count())
    enqueuer.start(max_q_size=2, wait_time=0.001)
    assert [enqueuer.queue.get() for _ in range(5)] == [0, 1, 2, 3, 4]
    enqueuer.stop(10.0)
    assert not enqueuer.is_running()


def test_the_thread_ends_before_python():
    done = run_program(
        "import atexit, itertools, threading\n"
        "atexit.register(lambda: print(threading.active_count()))\n"
        "from cornu.dialects.keras1.engine import GeneratorEnqueuer\n"
        "GeneratorEnqueuer(itertools.count()).start()\n"
    )
    assert done.stdout == "1\n"
