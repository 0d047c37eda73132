"""/etc/hosts of a pod."""

from strongroom.node.runtime import hosts


def test_of_a_pod_with_its_own_network() -> None:
    pod = {"spec": {"subdomain": "sub", "hostAliases": [{"ip": "192.0.2.9", "hostnames": ["a", "b"]}]}}
    text = hosts.text(pod, ("10.0.0.1", "fd00::1"), "web", "unused")
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert "10.0.0.1\tweb.sub\tweb\nfd00::1\tweb.sub\tweb\n" in text
    assert text.endswith("\n# Entries added by HostAliases.\n192.0.2.9\ta\tb\n")
    assert "10.0.0.1\tweb\n" in hosts.text({"spec": {}}, ("10.0.0.1",), "web", "")


def test_of_a_pod_in_the_machine_s_network() -> None:
    text = hosts.text({"spec": {"hostNetwork": True}}, (), "n1", "127.0.0.1 localhost n1\n")
    assert text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost n1\n"
