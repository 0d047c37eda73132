import base64

from strongroom.controllers.restart.seal import SealingKey

KEY = SealingKey(b"k" * 32)
SECRET = {"data": {"user": "cm9vdA==", "password": "czNjcjN0"}}
VALUES = KEY.digests(SECRET)


def test_a_note_fits_the_values_it_was_made_of() -> None:
    assert KEY.fits(KEY.seal(VALUES, ["user"], "w"), VALUES, ["user"], "w")
    assert KEY.fits(KEY.seal(VALUES, None, "w"), VALUES, None, "w")


def test_it_fits_no_other_values_keys_or_workload() -> None:
    note = KEY.seal(VALUES, ["password", "user"], "w")
    changed = KEY.digests({"data": {**SECRET["data"], "password": "bmV3"}})
    assert not KEY.fits(note, changed, ["password", "user"], "w")
    assert not KEY.fits(note, VALUES, ["user"], "w")
    assert not KEY.fits(note, VALUES, ["password", "user"], "other")
    assert not KEY.fits(note, {}, ["password", "user"], "w")


def test_keys_that_are_not_used_do_not_matter() -> None:
    note = KEY.seal(VALUES, ["user"], "w")
    assert KEY.fits(note, KEY.digests({"data": {"user": "cm9vdA=="}}), ["user"], "w")


def test_a_missing_key_is_not_an_empty_one() -> None:
    note = KEY.seal(KEY.digests({"data": {"a": ""}}), ["a"], "w")
    assert not KEY.fits(note, {}, ["a"], "w")


def test_with_all_keys_a_new_one_matters() -> None:
    note = KEY.seal(VALUES, None, "w")
    assert not KEY.fits(note, KEY.digests({"data": {**SECRET["data"], "new": ""}}), None, "w")


def test_values_that_change_places_are_another_state() -> None:
    note = KEY.seal(KEY.digests({"data": {"a": "MQ==", "b": "Mg=="}}), ["a", "b"], "w")
    assert not KEY.fits(note, KEY.digests({"data": {"a": "Mg==", "b": "MQ=="}}), ["a", "b"], "w")


def test_a_note_helps_nobody_to_guess_a_value_without_the_key() -> None:
    stranger = SealingKey(b"x" * 32)
    note = KEY.seal(VALUES, ["user"], "w")
    assert not stranger.fits(note, stranger.digests(SECRET), ["user"], "w")
    assert KEY.id != stranger.id
    assert note != KEY.seal(VALUES, ["user"], "w"), "equal values look unlike"


def test_no_key_or_value_in_a_representation() -> None:
    assert "kkkk" not in repr(KEY)


def test_what_is_no_note_fits_nothing() -> None:
    for text in ("", "no base64!", base64.b64encode(b"short").decode(), "ü"):
        assert not KEY.fits(text, VALUES, ["user"], "w")
