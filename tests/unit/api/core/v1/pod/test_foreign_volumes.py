"""Volumes that no node here mounts: their defaults, and their rules with Kubernetes' exact words."""

from typing import Any

import pytest

from strongroom.api.core.v1.pod import defaults_volume, validation_volume, warnings_volumes
from strongroom.machinery import names
from strongroom.machinery.gvk import Object

V = "v[0]"
PORTAL = {"targetPortal": "t", "iqn": "eui.0123456789abcdef"}
DISK = {"diskName": "d", "diskURI": "u"}
PAIR = "must be a host:port pair or multiple pairs separated by commas"
FORM = "must be valid format"
STARTS = "must be valid format starting with iqn, eui, or naa"
BYTE = "must be between 1 and 255, inclusive"


def bad(path: str, value: str, rule: Any) -> list[str]:
    return [f'{V}.{path}: Invalid value: "{value}": {message}' for message in rule(value)]


def errors(volume: Object, pod_name: str = "") -> list[str]:
    found = validation_volume.validate_volumes([{"name": "n", **volume}], "v", pod_name)[1]
    return [str(error) for error in found]


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"gitRepo": {"directory": "../a"}},
         [f"{V}.gitRepo.repository: Required value",
          f"{V}.gitRepo.directory: Invalid value: \"../a\": must not contain '..'"]),
        ({"gcePersistentDisk": {"partition": 256}},
         [f"{V}.persistentDisk.pdName: Required value",
          f"{V}.persistentDisk.partition: Invalid value: 256: {BYTE}"]),
        ({"awsElasticBlockStore": {"volumeID": "v", "partition": -1}},
         [f"{V}.awsElasticBlockStore.partition: Invalid value: -1: {BYTE}"]),
        ({"nfs": {"server": "s", "path": "a"}},
         [f'{V}.nfs.path: Invalid value: "a": must be an absolute path']),
        ({"iscsi": {}}, [f"{V}.iscsi.targetPortal: Required value", f"{V}.iscsi.iqn: Required value"]),
        ({"iscsi": PORTAL}, []),
        ({"iscsi": {**PORTAL, "iqn": "iqn.2015-02.example.com:test"}}, []),
        ({"iscsi": {**PORTAL, "iqn": "iqn.2015-02.example.com"}},
         [f'{V}.iscsi.iqn: Invalid value: "iqn.2015-02.example.com": {FORM}']),
        ({"iscsi": {**PORTAL, "iqn": "naa.0"}}, [f'{V}.iscsi.iqn: Invalid value: "naa.0": {FORM}']),
        ({"iscsi": {**PORTAL, "iqn": "x"}}, [f'{V}.iscsi.iqn: Invalid value: "x": {STARTS}']),
        ({"iscsi": {**PORTAL, "lun": 256, "chapAuthSession": True, "initiatorName": "eui.1"}},
         [f"{V}.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive",
          f"{V}.iscsi.secretRef: Required value",
          f'{V}.iscsi.initiatorname: Invalid value: "eui.1": {FORM}']),
        ({"iscsi": {**PORTAL, "targetPortal": "t" * 64, "initiatorName": PORTAL["iqn"]}},
         [f'{V}.name: Invalid value: "n": Total length of <volume name>:<iscsi.targetPortal> must be under '
          "64 characters if iscsi.initiatorName is specified."]),
        ({"fc": {}},
         [f"{V}.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"]),
        ({"fc": {"targetWWNs": ["a"], "wwids": ["b"]}},
         [f'{V}.fc.targetWWNs: Invalid value: ["a"]: targetWWNs and wwids can not be specified '
          "simultaneously", f"{V}.fc.lun: Required value: lun is required if targetWWNs is specified"]),
        ({"fc": {"targetWWNs": ["a"], "lun": -1}},
         [f"{V}.fc.lun: Invalid value: -1: must be between 0 and 255, inclusive"]),
        ({"fc": {"wwids": ["b"]}}, []),
        ({"flocker": {}}, [f"{V}.flocker: Required value: one of datasetName and datasetUUID is required"]),
        ({"flocker": {"datasetName": "a/b", "datasetUUID": "u"}},
         [f'{V}.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified '
          "simultaneously", f"{V}.flocker.datasetName: Invalid value: \"a/b\": must not contain '/'"]),
        ({"quobyte": {}},
         [f"{V}.quobyte.registry: Required value: {PAIR}", f"{V}.quobyte.volume: Required value"]),
        ({"quobyte": {"registry": "a:1,b", "volume": "v"}},
         [f'{V}.quobyte.registry: Invalid value: "a:1,b": {PAIR}']),
        ({"quobyte": {"registry": "[::1]:1,b:", "volume": "v", "tenant": "t" * 64}}, []),
        ({"quobyte": {"registry": "a", "volume": "v", "tenant": "t" * 65}},
         [f"{V}.quobyte.tenant: Required value: must be a UUID and may not exceed a length of 64 "
          "characters"]),
        ({"cinder": {"volumeID": "v", "secretRef": {}}},
         [f"{V}.cinder.secretRef.name: Required value"]),
        ({"flexVolume": {"driver": "d", "options": {"k8s.io/a": "b", "x.Kubernetes.io": "", "a": "b"}}},
         [f'{V}.flexVolume.options[{key}]: Invalid value: "{key}": kubernetes.io and k8s.io namespaces are '
          "reserved" for key in ("k8s.io/a", "x.Kubernetes.io")]),
        ({"azureDisk": {**DISK, "cachingMode": "X", "kind": "Y"}},
         [f'{V}.azureDisk.cachingMode: Unsupported value: "X": supported values: "None", "ReadOnly", '
          '"ReadWrite"',
          f'{V}.azureDisk.kind: Unsupported value: "Y": supported values: "Dedicated", "Managed", "Shared"',
          f'{V}.azureDisk.diskURI: Unsupported value: "u": supported values: '
          '"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"']),
        ({"azureDisk": {**DISK, "kind": "Managed"}},
         [f'{V}.azureDisk.diskURI: Unsupported value: "u": supported values: "/subscriptions/{{sub-id}}/'
          'resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"']),
        ({"scaleIO": {}}, [f"{V}.scaleIO.{f}: Required value" for f in ("gateway", "system", "volumeName")]),
        ({"storageos": {"volumeName": "A", "volumeNamespace": "B", "secretRef": {}}},
         [*bad("storageos.volumeName", "A", names.dns1123_label),
          *bad("storageos.volumeNamespace", "B", names.dns1123_label),
          f"{V}.storageos.secretRef.name: Required value"]),
        ({"csi": {"driver": "Driver.Example", "nodePublishSecretRef": {"name": "s"}}}, []),
        ({"csi": {"driver": "a" * 64, "nodePublishSecretRef": {}}},
         [f"{V}.csi.driver: Too long: may not be more than 63 bytes",
          f"{V}.csi.nodePublishSecretRef.name: Required value"]),
        ({"csi": {"driver": "-", "nodePublishSecretRef": {"name": "S"}}},
         [*bad("csi.driver", "-", names.dns1123_subdomain), *bad("csi.name", "S", names.dns1123_subdomain)]),
        ({"cephfs": {"monitors": ["m"]}, "emptyDir": {}, "downwardAPI": {}},
         [f"{V}.cephFS: Forbidden: may not specify more than 1 volume type",
          f"{V}.downwarAPI: Forbidden: may not specify more than 1 volume type"]),
    ],
)  # fmt: skip
def test_rules(volume: Object, expected: list[str]) -> None:
    assert errors(volume) == expected


CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
T = f"{V}.ephemeral.volumeClaimTemplate"
OTHER = {"kind": "PersistentVolumeClaim", "name": "other"}


@pytest.mark.parametrize(
    ("metadata", "more", "expected"),
    [
        ({"labels": {"a": "b"}}, {}, []),
        ({"name": "x"}, {}, [f"{T}.metadata.name: Forbidden: cannot be set"]),
        ({}, {"accessModes": []},
         [f"{T}.spec.accessModes: Required value: at least 1 access mode is required"]),
        ({}, {"accessModes": ["X"]},
         [f'{T}.spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", '
          '"ReadWriteOnce", "ReadWriteOncePod"']),
        ({}, {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]},
         [f"{T}.spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"]),
        ({}, {"resources": {}}, [f"{T}.spec.resources[storage]: Required value"]),
        ({}, {"resources": {"requests": {"storage": "0"}}},
         [f'{T}.spec.resources[storage]: Invalid value: "0": must be greater than zero']),
        ({}, {"volumeMode": "X", "storageClassName": "A"},
         [f'{T}.spec.storageClassName: Invalid value: "A": {names.dns1123_subdomain("A")[0]}',
          f'{T}.spec.volumeMode: Unsupported value: "X": supported values: "Block", "Filesystem"']),
        ({}, {"dataSource": {"kind": "X"}},
         [f"{T}.spec.dataSource.name: Required value",
          f"{T}.spec.dataSource: Invalid value: \"X\": must be 'PersistentVolumeClaim' when referencing the "
          "default apiGroup"]),
        ({}, {"dataSource": OTHER, "dataSourceRef": OTHER}, []),
        ({}, {"dataSource": OTHER, "dataSourceRef": {**OTHER, "name": "third"}},
         [f"{T}.spec: Invalid value: {{}}: must match dataSourceRef"]),
        ({}, {"dataSource": OTHER, "dataSourceRef": {**OTHER, "namespace": "n"}},
         [f"{T}.spec: Invalid value: {{}}: may not be specified when dataSourceRef.namespace is specified"]),
        ({}, {"dataSourceRef": {**OTHER, "apiGroup": "A"}},
         [f'{T}.spec.dataSourceRef.apiGroup: Invalid value: "A": {names.dns1123_subdomain("A")[0]}']),
    ],
)  # fmt: skip
def test_claim_templates(metadata: Object, more: Object, expected: list[str]) -> None:
    template = {"metadata": metadata, "spec": {**CLAIM, **more}}
    assert errors({"ephemeral": {"volumeClaimTemplate": template}}) == expected


def test_claims_are_named_after_the_pod() -> None:
    volumes = [
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": CLAIM}}},
        {"name": "other", "persistentVolumeClaim": {"claimName": "p-own"}},
    ]
    text = "must not reference a PVC that gets created for an ephemeral volume"
    found = validation_volume.validate_volumes(volumes, "v", "p")[1]
    assert [str(error) for error in found] == [
        f'v[1].persistentVolumeClaim.claimName: Invalid value: "p-own": {text}'
    ]
    long = "p" * 252
    assert errors({"ephemeral": {"volumeClaimTemplate": {"spec": CLAIM}}}, long) == [
        f'{V}.name: Invalid value: "n": PVC name "{long}-n": must be no more than 253 characters'
    ]


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ({"iscsi": {}}, {"iscsiInterface": "default"}),
        ({"rbd": {"pool": "p"}}, {"pool": "p", "user": "admin", "keyring": "/etc/ceph/keyring"}),
        ({"scaleIO": {"fsType": ""}}, {"storageMode": "ThinProvisioned", "fsType": "xfs"}),
        ({"azureDisk": {"kind": "Managed"}},
         {"kind": "Managed", "cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False}),
        ({"ephemeral": {"volumeClaimTemplate": {"spec": {"dataSource": {"name": "a"}}}}},
         {"volumeClaimTemplate": {"spec": {
             "dataSource": {"name": "a", "apiGroup": None}, "volumeMode": "Filesystem"}}}),
    ],
)  # fmt: skip
def test_defaults(source: Object, filled: Object) -> None:
    defaults_volume.apply(source)
    assert next(iter(source.values())) == filled


def test_a_fraction_of_a_byte_is_warned_of() -> None:
    spec = {"resources": {"requests": {"storage": "1500m"}, "limits": {"storage": "2"}}}
    volume = {"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}
    assert list(warnings_volumes.warnings({"volumes": [volume]}, "")) == [
        "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte "
        'value "1500m" is invalid, must be an integer'
    ]
