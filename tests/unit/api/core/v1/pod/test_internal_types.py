"""Pods as Go's internal types print them. Whole answers are in test_update."""

import pytest

from strongroom.api.core.v1.pod import internal_types


@pytest.mark.parametrize(
    ("struct", "value", "expected"),
    [
        ("EnvVar", {"name": "A"}, {"Name": "A", "Value": "", "ValueFrom": None}),
        ("ContainerPort", {"containerPort": 80, "hostIP": "1.2.3.4"},
         {"Name": "", "HostPort": 0, "ContainerPort": 80, "Protocol": "", "HostIP": "1.2.3.4"}),
        ("ResourceFieldSelector", {"resource": "limits.cpu"},
         {"ContainerName": "", "Resource": "limits.cpu", "Divisor": "0"}),
        ("PodDNSConfig", {"options": [{"name": "a"}]},
         {"Nameservers": None, "Searches": None, "Options": [{"Name": "a", "Value": None}]}),
    ],
)  # fmt: skip
def test_shown(struct: str, value: dict[str, object], expected: dict[str, object]) -> None:
    assert internal_types.shown(struct, value) == expected
    assert list(internal_types.shown(struct, value)) == list(expected)


def test_a_spec_has_the_host_s_namespaces_in_its_security_context() -> None:
    shown = internal_types.shown("PodSpec", {"hostPID": True, "securityContext": {"fsGroup": 5}})
    assert (shown["SecurityContext"]["HostPID"], shown["SecurityContext"]["FSGroup"]) == (True, 5)
    assert "HostPID" not in shown


def test_equal_values_have_no_difference() -> None:
    assert internal_types.difference("EnvVar", {"name": "A"}, {"name": "A", "value": ""}) == ""
    changed = internal_types.difference("EnvVar", {"name": "A"}, {"name": "A", "value": "<&>"})
    assert changed == (
        '@@ -1,5 +1,5 @@\n {\n  "Name": "A",\n- "Value": "",\n+ "Value": "\\u003c\\u0026\\u003e",\n'
        '  "ValueFrom": null\n }\n'
    )
