"""The calls of an apply fired bare: no plan, no journal, no look before or after.

    python bare.py CALLS BASE_URL        (the key in ICAV2_X_API_KEY)

CALLS is a JSON list of {"method", "path", "media", "body", "key"}. They go out eight at a time, as icaform's
do. Where an answer names a batch, its job is polled until it ended. It prints how many calls were granted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

import requests

V3 = "application/vnd.illumina.v3+json"
WORKERS = 8
ENDED = ("STOPPED", "SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED")
POLLS = (0.5, 1.0, 2.0, 4.0)
"""Seconds between looks at a job: those of icaform."""

mine = local()


def main(file: str, base_url: str) -> int:
    """Mint a token, fire everything, follow the batches."""
    with open(file, encoding="utf-8") as stream:
        calls = json.load(stream)
    key = {"X-API-Key": os.environ["ICAV2_X_API_KEY"], "Accept": V3}
    token = requests.post(f"{base_url}/api/tokens", headers=key, timeout=60).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": V3}

    def session() -> requests.Session:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
            mine.session.headers.update(headers)
        return mine.session  # type: ignore[no-any-return]

    def fire(call: dict[str, str]) -> bool:
        media = {"Content-Type": call["media"]} if call["media"] else {}
        answer = session().request(
            call["method"],
            base_url + call["path"],
            data=(call["body"] or "").encode() or None,
            headers={**media, "Idempotency-Key": call["key"]},
            timeout=60,
        )
        if answer.status_code < 300 and "analysisCreationBatch" in call["path"]:
            for pause in (*POLLS, *[POLLS[-1]] * 99):
                form = f"{base_url}{call['path']}/{answer.json()['id']}"
                if session().get(form, timeout=60).json()["job"]["status"] in ENDED:
                    break
                time.sleep(pause)
        return answer.status_code < 300

    with ThreadPoolExecutor(WORKERS) as pool:
        granted = sum(pool.map(fire, calls))
    print(granted)
    return 0 if granted == len(calls) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
