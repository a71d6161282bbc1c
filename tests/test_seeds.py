"""Default seeds in several threads."""

import sys
import threading

from cornu import seeds


def test_threads_get_different_seeds():
    seeds.set_random_seed(3)
    expected = sorted(seeds.next_seed() for _ in range(4000))
    seeds.set_random_seed(3)
    found = [[] for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(
                target=lambda own=own: own.extend(seeds.next_seed() for _ in range(1000))
            )
            for own in found
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert sorted(sum(found, [])) == expected
