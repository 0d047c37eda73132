"""Keys of an object become files."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.volumes import payload
from strongroom.node.volumes.payload import File, VolumeError

DATA = {"user": b"root", "password": b"hunter2"}


def test_without_items_every_key_is_a_file_with_the_default_mode() -> None:
    files = payload.project(DATA, None, 0o400, optional=False, missing="no key")
    assert files == {"user": File(b"root", 0o400), "password": File(b"hunter2", 0o400)}


def test_items_choose_keys_paths_and_modes() -> None:
    items: list[Object] = [
        {"key": "user", "path": "names/admin", "mode": 0o440},
        {"key": "password", "path": "p"},
    ]
    files = payload.project(DATA, items, 0o644, optional=False, missing="no key")
    assert files == {"names/admin": File(b"root", 0o440), "p": File(b"hunter2", 0o644)}


def test_a_missing_key_fails_unless_optional() -> None:
    items = [{"key": "user", "path": "u"}, {"key": "none", "path": "n"}]
    with pytest.raises(VolumeError, match=r"^no key: none$"):
        payload.project(DATA, items, 0o644, optional=False, missing="no key")
    assert set(payload.project(DATA, items, 0o644, optional=True, missing="no key")) == {"u"}


def test_a_file_does_not_print_its_content() -> None:
    assert "hunter2" not in repr(File(b"hunter2"))


@pytest.mark.parametrize(("value", "mode"), [(None, 0o644), (256, 0o400), (0o4777, 0o777), (0, 0)])
def test_modes_are_permission_bits(value: int | None, mode: int) -> None:
    assert payload.mode_of(value, 0o644) == mode
