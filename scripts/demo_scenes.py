"""The fourteen scenes of the tutorial, each a few commands of plain kubectl and what they must show."""

from collections.abc import Callable, Sequence

from scripts.demo_stage import Stage, expect

Scene = Callable[[Stage], None]
HARBOR, ALIYUN = "hub.cropy.cn", "registry.cn-zhangjiakou.aliyuncs.com"
USER, PASSWORD = "admin", "Harbor12345"


def _wait(stage: Stage, pod: str, more: str = "") -> None:
    stage.run(f"kubectl wait --for=condition=Ready pod/{pod}{more} --timeout=40s")


def what_a_secret_is(stage: Stage) -> None:
    stage.run("kubectl create secret generic first --from-literal=user=admin")
    shown = stage.run("kubectl get secret first -o jsonpath='{.data.user}'; echo")
    expect(shown.strip() == "YWRtaW4=", "the value in base64")
    stage.say("base64 is no protection: whoever gets the object has the value. Who does, and by which way:")
    stage.run("strongroom access secret first -n default")


def kinds(stage: Stage) -> None:
    stage.run("kubectl create secret --help | grep -E '^  (docker-registry|generic|tls) '")


def explained(stage: Stage) -> None:
    stage.run("kubectl explain secret | sed -n 1,8p")
    stage.run("kubectl explain pod.spec.imagePullSecrets | sed -n 1,10p")
    stage.run("kubectl explain pod.spec.containers.imagePullPolicy | sed -n 1,12p")


def from_literals(stage: Stage) -> None:
    stage.run(
        "kubectl create secret generic mysql-auth-secret "
        "--from-literal=username=root --from-literal=password=ikubernetes"
    )
    stage.run("kubectl get secrets mysql-auth-secret")
    stage.run("kubectl get secrets mysql-auth-secret -oyaml")
    decoded = stage.run(
        "kubectl get secret mysql-auth-secret -o jsonpath='{.data.password}' | base64 -d; echo"
    )
    expect(decoded.strip() == "ikubernetes", "the decoded password")


def from_files(stage: Stage) -> None:
    stage.run("printf root >username.txt; printf ikubernetes >password.txt")
    stage.run(
        "kubectl create secret generic mysql-auth --from-file=./username.txt --from-file=./password.txt"
    )
    shown = stage.run("kubectl describe secret mysql-auth | tail -3")
    expect("username.txt:  4 bytes" in shown, "the keys are the files' names")


def tls(stage: Stage) -> None:
    stage.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=nginx.example "
        "-keyout nginx.key -out nginx.crt 2>/dev/null"
    )
    stage.run("kubectl create secret tls nginx-tls-secret --key=nginx.key --cert=nginx.crt")
    shown = stage.run("kubectl describe secret nginx-tls-secret | tail -3")
    expect("tls.crt:" in shown and "tls.key:" in shown, "the keys tls.crt and tls.key")


def manifests(stage: Stage) -> None:
    stage.run("cat secret-demo.yaml")
    stage.run("kubectl apply -f secret-demo.yaml")
    template = "{{range $k, $v := .data}}{{$k}}={{base64decode $v}} {{end}}{{.type}}"
    shown = stage.run(f"kubectl get secret secret-demo -o go-template='{template}'; echo")
    expect(shown.strip() == "password=s3cr3t username=root Opaque", "stringData merged into data")
    stage.run("kubectl apply -f secret-demo.yaml   # once more")


def volume(stage: Stage) -> None:
    stage.run("cat pod-volume.yaml")
    stage.run("kubectl apply -f pod-volume.yaml")
    _wait(stage, "my-pod-demo")
    shown = stage.run("kubectl exec my-pod-demo -- ls /etc/nginx/ssl")
    expect(shown.split() == ["tls.crt", "tls.key"], "the files of the volume")
    stage.say("The files are in memory, which is never swapped out:")
    stage.run("kubectl exec my-pod-demo -- grep /etc/nginx/ssl /proc/mounts")


def environment(stage: Stage) -> None:
    stage.run("cat pod-env.yaml")
    stage.run("kubectl apply -f pod-env.yaml")
    _wait(stage, "my-pod-demo1")
    _wait(stage, "my-pod-demo2")
    one = stage.run("kubectl exec my-pod-demo1 -- /bin/bash -c 'env | egrep -i \"(user|pass)\"'")
    expect(one.split() == ["USER=admin"], "the variable")
    both = stage.run("kubectl exec my-pod-demo2 -- /bin/bash -c 'env | egrep -i \"(user|pass)\"'")
    expect(sorted(both.split()) == ["Newpassword=hello123", "Newuser=admin"], "all keys with a prefix")


def registry_credentials(stage: Stage) -> None:
    stage.run(
        "kubectl create secret docker-registry local-registry "
        "--docker-username=admin --docker-password=admin@123"
    )
    shown = stage.run(
        "kubectl get secret local-registry --output='jsonpath={.data.\\.dockerconfigjson}' | base64 -d; echo"
    )
    expect("https://index.docker.io/v1/" in shown, "Docker Hub is the default")
    stage.run('mkdir -p .docker; echo \'{"auths":{"hub.example":{"auth":"YTpi"}}}\' >.docker/config.json')
    stage.run(
        "kubectl create secret generic regcred --from-file=.dockerconfigjson=.docker/config.json "
        "--type=kubernetes.io/dockerconfigjson"
    )
    stage.run("kubectl get secrets")


def deployment(stage: Stage) -> None:
    stage.run("kubectl create namespace test")
    stage.run(
        f"kubectl create secret docker-registry docker-regsitry-auth --docker-server={HARBOR} "
        f"--docker-username={USER} --docker-password={PASSWORD} -n test"
    )
    stage.run("cat java-demo.yaml")
    stage.run("kubectl apply -f java-demo.yaml")
    stage.run("kubectl rollout status deployment/java-demo -n test --timeout=60s")
    shown = stage.run("kubectl get pods -n test")
    expect(shown.count("1/1") == 2, "two Pods")
    stage.run("kubectl scale deployment java-demo -n test --replicas=4")
    stage.run("kubectl rollout status deployment/java-demo -n test --timeout=60s | tail -1")
    stage.run("kubectl set image deployment/java-demo -n test java-demo=hub.cropy.cn/demo/java-demo:absent")
    stage.run(
        "kubectl rollout status deployment/java-demo -n test --timeout=3s || true   # it can't be pulled"
    )
    shown = stage.run("kubectl get pods -n test")
    expect(shown.count("1/1") >= 3, "the Pods from before")
    stage.run("kubectl rollout undo deployment/java-demo -n test")
    stage.run("kubectl rollout status deployment/java-demo -n test --timeout=60s | tail -1")


def pull_policy(stage: Stage) -> None:
    stage.run(
        "for image in nginx nginx:latest nginx:1.17.1; do kubectl run x --image=$image --dry-run=server "
        "-o jsonpath='{.spec.containers[0].image}  {.spec.containers[0].imagePullPolicy}{\"\\n\"}'; done"
    )
    stage.run("cat httpd-testpod.yaml")
    stage.run("kubectl apply -f httpd-testpod.yaml")
    _wait(stage, "httpd-testpod")
    stage.run("kubectl get pod httpd-testpod")


def service_account(stage: Stage) -> None:
    stage.run("cat stree.yaml")
    stage.run("kubectl create -f stree.yaml")
    stage.wait_for("kubectl get pod stree-serviceaccount | grep ImagePullBackOff", 40)
    stage.run("kubectl get pod stree-serviceaccount")
    stage.run("kubectl describe pod stree-serviceaccount | sed -n '/^Events/,$p' | cut -c1-150")
    stage.run("kubectl delete pod stree-serviceaccount")
    stage.say("With a credential, by way of the ServiceAccount:")
    stage.run(
        f"kubectl create secret docker-registry aliyun-registry --docker-server={ALIYUN} "
        f"--docker-username={USER} --docker-password={PASSWORD}"
    )
    stage.run("kubectl describe secrets aliyun-registry | tail -5")
    stage.run("cat imagepull-aliyun-sa.yaml")
    stage.run("kubectl create -f imagepull-aliyun-sa.yaml")
    stage.run("sed 's/^spec:/&\\n  serviceAccount: imagepull-aliyun-sa/' stree.yaml | kubectl create -f -")
    _wait(stage, "stree-serviceaccount")
    stage.run("kubectl get pod stree-serviceaccount")


def practice(stage: Stage) -> None:
    stage.run("kubectl create namespace dev")
    stage.run("cat secret.yaml")
    stage.run("kubectl create -f secret.yaml")
    shown = stage.run("kubectl describe secret secret -n dev")
    expect("password:  6 bytes" in shown and "username:  5 bytes" in shown, "the sizes")
    stage.run("cat pod-secret.yaml")
    stage.run("kubectl create -f pod-secret.yaml")
    _wait(stage, "pod-secret", " -n dev")
    shown = stage.run(
        "kubectl exec pod-secret -n dev -- /bin/sh -c "
        "'ls /secret/config/; more /secret/config/username; echo; more /secret/config/password; echo'"
    )
    expect(shown.split() == ["password", "username", "admin", "123456"], "the files and their values")


SCENES: Sequence[tuple[str, Scene]] = (
    ("What a Secret is", what_a_secret_is),
    ("Kinds of Secrets", kinds),
    ("Help", explained),
    ("From literals", from_literals),
    ("From files", from_files),
    ("TLS", tls),
    ("Manifests", manifests),
    ("As a volume", volume),
    ("As variables", environment),
    ("Credentials of a registry", registry_credentials),
    ("A Deployment of a private image", deployment),
    ("imagePullPolicy", pull_policy),
    ("A ServiceAccount that may pull", service_account),
    ("Practice", practice),
)
