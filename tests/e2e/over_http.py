"""Questions to the API, as a caller asks them."""

from typing import Any

import requests

from tests.e2e.conftest import Factory

Json = dict[str, Any]


def get(factory: Factory, path: str, accept: str = "", **query: Any) -> requests.Response:
    headers = factory.key | ({"Accept": accept} if accept else {})
    return requests.get(f"{factory.host}/api/{path}", params=query, headers=headers, timeout=90)


def cancel(factory: Factory, run_id: str) -> requests.Response:
    return requests.post(f"{factory.host}/api/runs/{run_id}/cancel", headers=factory.key, timeout=90)


def plan(factory: Factory, **body: Any) -> Json:
    answer = factory.post({"dryRun": True, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()
