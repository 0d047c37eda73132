"""Many Pods at once, until the last is Ready."""

from bench import pods
from bench.result import Figure
from bench.target import Options, Target

TITLE = "{} Pods to Ready"
NEEDS_NODE = True


def run(target: Target, options: Options) -> list[Figure]:
    with target.namespace() as namespace:
        pods.create_secret(target, namespace)
        names = [f"p{number}" for number in range(options.pods)]
        together = pods.start(target, options, namespace, names)
        pods.remove(target, namespace, names)
    last = max(together.ready.values(), default=float("nan"))
    return [Figure(TITLE.format(options.pods), last, "s", "lower", together.failures)]
