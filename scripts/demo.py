"""The demonstration behind `make demo`: the fourteen scenes of the tutorial, with plain kubectl."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.demo_change import change, on_disk
from scripts.demo_scenes import ALIYUN, HARBOR, PASSWORD, SCENES, USER
from scripts.demo_stage import Failed, Stage

from strongroom.testing import cluster as clusters
from strongroom.testing import images, registry

MANIFESTS = Path(__file__).parent / "demo_manifests"


@contextlib.contextmanager
def image_sources(directory: Path) -> Iterator[Path]:
    """A registry for anyone, one with a password, and the `certs.d` that leads the names to them."""
    hosts = directory / "certs.d"
    with (
        registry.Registry(directory / "registry") as public,
        registry.Registry(directory / "private", {USER: PASSWORD}, tls=True) as private,
    ):
        public.push("library/nginx:latest", images.nginx())
        public.push("library/nginx:1.17.1", images.nginx("1.17.1"))
        private.push("demo/java-demo:v1", images.web(8080, "v1"))
        private.push("stree/stree:v1", images.shell())
        registry.write_hosts(hosts, ["docker.io", "registry.k8s.io"], public.address)
        registry.write_hosts(hosts, [HARBOR, ALIYUN], private.address, private.ca)
        yield hosts


def show(stage: Stage, environment: dict[str, str], cluster: clusters.Cluster) -> None:
    """The scenes, once Strongroom runs, and what no tutorial shows."""
    for number, (title, scene) in enumerate(SCENES, 1):
        stage.title(f"Scene {number} of {len(SCENES)}: {title}")
        scene(stage)
    stage.title("And then: a change of the Secret, and when the container sees it")
    change(stage, environment, cluster)
    stage.title("And then: what lies on disk")
    on_disk(stage, cluster)


def main() -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-") as name:
        directory = Path(name)
        for manifest in MANIFESTS.iterdir():
            shutil.copy(manifest, directory)
        environment = os.environ | {
            "KUBECONFIG": str(directory / "kubeconfig"),
            "PATH": f"{clusters.PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": name,
        }
        stage = Stage(directory, environment)
        try:
            stage.title("Images of busybox and bash, served by registries on this machine")
            with image_sources(directory) as hosts:
                stage.say(f"docker.io for anyone; {HARBOR} and {ALIYUN} with a password")
                stage.title("Strongroom: API server, encrypted store, controllers, node")
                cluster = clusters.Cluster(directory, registry_config=hosts)
                stage.say("$ " + " ".join(["strongroom", *cluster.command()[1:]]).replace(f"{name}/", ""))
                with cluster:
                    stage.say(cluster.ready_line)
                    stage.say(f"Ready after {cluster.ready_after:.1f} s.")
                    stage.wait_for("kubectl get node n1")
                    stage.run("kubectl wait --for=condition=Ready node/n1 --timeout=30s")
                    stage.run("kubectl get nodes")
                    show(stage, environment, cluster)
                    stage.title("Clean-up")
                    stage.run("kubectl delete namespace test dev")
                    stage.run("kubectl delete pods,secrets --all")
        except (Failed, AssertionError, OSError, subprocess.SubprocessError) as error:
            print(f"\ndemo: {error}", file=sys.stderr)
            output = directory / "output"
            if output.exists():
                print("demo: strongroom said:\n" + output.read_text()[-4000:], file=sys.stderr)
            return 1
    print(f"\nDone in {time.monotonic() - began:.0f} s; nothing is left of it.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
