import gzip
import io
import json
import tarfile

from strongroom.testing import images

FILES = {
    "etc/deep/file": images.File(b"text", 0o600),
    "bin/ls": images.File(link="busybox"),
    "tmp/": images.File(),
}


def test_same_inputs_give_the_same_digest() -> None:
    assert images.build(FILES, {"Cmd": ["ls"]}).digest == images.build(FILES, {"Cmd": ["ls"]}).digest
    assert images.build(FILES, {"Cmd": ["ls"]}).digest != images.build(FILES, {"Cmd": ["cat"]}).digest


def test_manifest_names_the_blobs_it_comes_with() -> None:
    image = images.build(FILES, {"Cmd": ["ls"]})
    manifest = json.loads(image.manifest)
    assert manifest["config"]["digest"] == images.digest_of(image.config)
    assert manifest["layers"][0]["digest"] == images.digest_of(image.layers[0])
    config = json.loads(image.config)
    assert config["rootfs"]["diff_ids"] == [images.digest_of(gzip.decompress(image.layers[0]))]
    assert config["config"] == {"Cmd": ["ls"]}


def test_layer_holds_files_links_and_their_parents() -> None:
    layer = gzip.decompress(images.build(FILES, {}).layers[0])
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        members = {member.name: member for member in archive.getmembers()}
        assert sorted(members) == ["bin", "bin/ls", "etc", "etc/deep", "etc/deep/file", "tmp"]
        assert members["etc/deep"].isdir() and members["tmp"].isdir()
        assert members["bin/ls"].linkname == "busybox"
        assert members["etc/deep/file"].mode == 0o600
        content = archive.extractfile("etc/deep/file")
        assert content is not None and content.read() == b"text"
