"""One Pod with a Secret as volume and variable, from its creation to Ready; the image is there already."""

from bench import pods
from bench.result import Figure, latencies
from bench.target import Options, Target

TITLE = "Pod to Ready"
NEEDS_NODE = True
REPEATS = 10


def run(target: Target, options: Options) -> list[Figure]:
    times: list[float] = []
    failures = 0
    with target.namespace() as namespace:
        pods.create_secret(target, namespace)
        for number in range(REPEATS + 1):
            one = pods.start(target, options, namespace, [f"p{number}"])
            pods.remove(target, namespace, [f"p{number}"])
            if number:  # the first one brings the image
                times += one.ready.values()
                failures += one.failures
    return latencies(TITLE, times, failures=failures)
