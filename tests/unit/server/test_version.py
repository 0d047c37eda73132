from strongroom.server import version


def test_what_clients_read() -> None:
    info = version.info()
    assert info["gitVersion"].startswith(f"v{info['major']}.{info['minor']}.")
    system, _, architecture = info["platform"].partition("/")
    assert system and architecture
    assert all(isinstance(value, str) for value in info.values())
