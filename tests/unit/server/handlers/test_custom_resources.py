"""A list without items, for those who may list."""

from strongroom.testing.api_server import APIServer

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def test_there_are_none_and_none_can_be_made(server: APIServer) -> None:
    answer = await server.get(PATH)
    assert (answer.status, answer.json["kind"], answer.json["items"]) == (
        200,
        "CustomResourceDefinitionList",
        [],
    )
    made = await server.request("POST", PATH, {"metadata": {"name": "turnips.example.com"}})
    assert made.status == 405
    assert (await server.get(PATH, token="nobody")).status == 403
    groups = (await server.get("/apis")).json["groups"]
    assert "apiextensions.k8s.io" not in {group["name"] for group in groups}
