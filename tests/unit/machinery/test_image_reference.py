"""References are read as `distribution/reference` reads them."""

import pytest

from strongroom.machinery import image_reference
from strongroom.machinery.image_reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("docker.io", "library/nginx", "", "")),
        ("nginx:1.17.1", ("docker.io", "library/nginx", "1.17.1", "")),
        ("demo/java", ("docker.io", "demo/java", "", "")),
        ("index.docker.io/nginx", ("docker.io", "library/nginx", "", "")),
        ("localhost/x", ("localhost", "x", "", "")),
        ("localhost:5000/x:v", ("localhost:5000", "x", "v", "")),
        ("hub.cropy.cn/demo/java-demo:v1", ("hub.cropy.cn", "demo/java-demo", "v1", "")),
        ("Hub/x", ("Hub", "x", "", "")),
        ("[::1]:5000/x", ("[::1]:5000", "x", "", "")),
        (f"nginx@{DIGEST}", ("docker.io", "library/nginx", "", DIGEST)),
        (f"a.b/c:t@{DIGEST}", ("a.b", "c", "t", DIGEST)),
    ],
)
def test_parts(image: str, parts: tuple[str, str, str, str]) -> None:
    assert image_reference.parse(image) == Reference(*parts)


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        ("a.b/C/d", "invalid reference format: repository name (C/d) must be lowercase"),
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("nginx:", "invalid reference format"),
        ("nginx:" + "t" * 129, "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("x@sha256:1", "invalid reference format"),
        ("f" * 64, f"invalid repository name ({'f' * 64}), cannot specify 64-byte hexadecimal strings"),
        ("a/" * 130 + "b", "repository name must not be more than 255 characters"),
    ],
)
def test_what_is_no_reference(image: str, text: str) -> None:
    with pytest.raises(image_reference.InvalidReferenceError) as error:
        image_reference.parse(image)
    assert str(error.value) == text


def test_default_tag_is_put_behind_the_name_as_it_was_written() -> None:
    assert image_reference.with_default_tag("nginx") == "nginx:latest"
    assert image_reference.with_default_tag("localhost:5000/x") == "localhost:5000/x:latest"
    assert image_reference.with_default_tag("nginx:1") == "nginx:1"
    assert image_reference.with_default_tag(f"nginx@{DIGEST}") == f"nginx@{DIGEST}"


def test_name_for_credentials() -> None:
    assert image_reference.parse("nginx:1").name == "docker.io/library/nginx"
