#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a Teravox cluster with nothing but Python's standard library: submits, follows, fetches.

  ./teravox cluster                                  # in another terminal
  python3 examples/python/submit.py --out result     # a phantom, in about a minute
  python3 examples/python/submit.py --stack my-stack --iterations 5000 --out result

docs/api.md explains every route used here.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

SLAB = 4 << 20
PATIENCE = 120  # seconds that a call goes on trying while the cluster does not answer
PHANTOM = {
    "name": "python-phantom",
    "data": {"phantom": {"shape": [16, 48, 48], "seed": 3}},
    "network": {"levels": 2, "fMaps": 4},
    "training": {"patch": [8, 32, 32], "learningRate": 0.003},
}


class Refused(Exception):
    """The cluster's problem details: one sentence for people, and all of it as a dict."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail") or f"the cluster answered {status}")
        self.status, self.problem = status, problem


class Teravox:
    def __init__(self, server, key=None):
        self.base = server.rstrip("/") + "/api/v1/"
        self.headers = {"Authorization": "Bearer " + key} if key else {}

    def open(self, method, path, body=None, headers=None, timeout=120):
        """One attempt. body: a dict becomes JSON, bytes are sent as they are."""
        headers = {**self.headers, **(headers or {})}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
        request = urllib.request.Request(self.base + path, data=body, headers=headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as e:
            text = e.read()
            problem = json.loads(text) if "json" in e.headers.get("Content-Type", "") else {}
            refused = Refused(e.code, problem)
            refused.retry_after = e.headers.get("Retry-After")
            raise refused from None

    def call(self, method, path, body=None, headers=None, timeout=120):
        """Sends until there is an answer. Only for what may be sent twice: reads, slabs, and submissions with their key."""
        ends, wait = time.monotonic() + PATIENCE, 0.2
        while True:
            try:
                with self.open(method, path, body, headers, timeout) as answer:
                    return answer.read()
            except Refused as e:
                if e.status not in (408, 429, 502, 503, 504) or time.monotonic() > ends:
                    raise
                time.sleep(float(e.retry_after or 0))
            except (OSError, http.client.HTTPException):
                if time.monotonic() > ends:
                    raise
            time.sleep(wait * random.uniform(0.5, 1))
            wait = min(2 * wait, 10)

    def json(self, method, path, body=None, headers=None, timeout=120):
        return json.loads(self.call(method, path, body, headers, timeout))

    def submit(self, spec):
        """Submits a spec. The key makes it one experiment, however often the connection breaks."""
        return self.json("POST", "experiments", {"spec": spec}, {"Idempotency-Key": uuid.uuid4().hex}, timeout=3600)

    def follow(self, experiment):
        """Events of an experiment as they come, until it ends; each once, over broken connections too."""
        last, ends = 0, time.monotonic() + PATIENCE
        while True:
            try:
                # A comment comes every 15 s, so a longer silence is a dead connection.
                with self.open("GET", f"experiments/{experiment}/events/stream", headers={"Last-Event-ID": str(last)}, timeout=45) as stream:
                    kind, data = "message", ""
                    for line in stream:
                        name, _, value = line.decode().rstrip("\n").partition(":")
                        if name == "event":
                            kind = value.strip()
                        elif name == "data":
                            data += value.strip()
                        elif not line.strip():
                            if kind == "end":
                                return
                            if kind == "event" and data:
                                event = json.loads(data)
                                last, ends = event["id"], time.monotonic() + PATIENCE
                                yield event
                            kind, data = "message", ""
            except Refused as e:
                if e.status < 500 and e.status != 429:
                    raise
            except (OSError, http.client.HTTPException, ValueError):
                pass
            if time.monotonic() > ends:
                raise TimeoutError("the cluster has not answered for too long")
            time.sleep(random.uniform(0.5, 1.5))

    def upload(self, folder):
        """Uploads a folder with raw/ and perhaps labels/ and classes.json as a volume, named after its bytes; run again, it
        sends only what is missing."""
        files = {}
        for part in ("raw", "labels"):
            for path in sorted(os.listdir(os.path.join(folder, part))) if os.path.isdir(os.path.join(folder, part)) else []:
                if path.lower().endswith((".tif", ".tiff", ".png")) and not path.startswith("."):
                    files[f"{part}/{path}"] = os.path.join(folder, part, path)
        if os.path.exists(os.path.join(folder, "classes.json")):
            files["classes.json"] = os.path.join(folder, "classes.json")
        manifest = []
        for path, local in files.items():
            with open(local, "rb") as file:
                manifest.append({"path": path, "bytes": os.path.getsize(local), "sha256": hashlib.sha256(file.read()).hexdigest()})
        name = "python-" + hashlib.sha256(json.dumps(manifest).encode()).hexdigest()[:12]
        try:
            return self.json("GET", "volumes/" + name)
        except Refused as e:
            if e.status != 404:
                raise

        upload = self.json("POST", "uploads", {"name": name, "files": manifest})
        sent = 0
        for remote in upload["files"]:
            sent += self.send(upload, remote, files[remote["path"]])
        say(f"uploaded {sent} bytes in {len(manifest)} files as volume {name}")
        return self.json("POST", f"uploads/{upload['id']}/complete", timeout=3600)

    def send(self, upload, remote, local):
        """Sends what is missing of a file, slab after slab; returns how many bytes that were."""
        at, sent = remote["received"], 0
        with open(local, "rb") as file:
            while at < remote["bytes"]:
                file.seek(at)
                slab = file.read(min(SLAB, upload["slabBytes"]))
                path = f"uploads/{upload['id']}/files/{urllib.parse.quote(remote['path'])}?offset={at}"
                try:
                    at = self.json("PUT", path, slab)["received"]
                    sent += len(slab)
                except Refused as e:
                    if e.status != 409 or "received" not in e.problem:
                        raise
                    at = e.problem["received"]
        return sent


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--server", default=os.environ.get("TERAVOX_SERVER", "http://127.0.0.1:7300"))
    args.add_argument("--spec", help="a spec file; else a small phantom")
    args.add_argument("--stack", help="a folder with raw/, labels/ and classes.json on this machine, to upload and train on")
    args.add_argument("--iterations", type=int, default=100)
    args.add_argument("--out", default="result")
    args = args.parse_args()
    cluster = Teravox(args.server, os.environ.get("TERAVOX_KEY"))

    spec = dict(PHANTOM)
    if args.spec:
        with open(args.spec, encoding="utf-8") as file:
            spec = json.load(file)
    spec["training"] = {**spec.get("training", {}), "iterations": args.iterations}
    if args.stack:
        spec["data"] = {"volume": cluster.upload(args.stack)["name"]}
    experiment = cluster.submit(spec)
    say(f"experiment {experiment['id']} ({experiment['name']})")

    for event in cluster.follow(experiment["id"]):
        say(f"{event['at'][11:19]} {event.get('stage') or '-'}: {event['text']}")

    progress = cluster.json("GET", f"experiments/{experiment['id']}/progress")
    for failure in progress["failures"]:
        say(f"failed: {failure['stage']} {failure['index']}: {failure['error']}")
    if progress["experiment"]["state"] != "succeeded":
        sys.exit(f"the experiment ended {progress['experiment']['state']}")

    os.makedirs(args.out, exist_ok=True)
    scores = cluster.call("GET", f"experiments/{experiment['id']}/scores")
    for name, content in (("scores.json", scores), ("report.html", cluster.call("GET", f"experiments/{experiment['id']}/report"))):
        with open(os.path.join(args.out, name), "wb") as file:
            file.write(content)
    for prediction in json.loads(scores)["predictions"]:
        for c in prediction["classes"]:
            f1 = c.get("f1")
            print(f"{prediction['name']}\t{c['name']}\t{'-' if f1 is None else format(f1, '.3f')}")
    say(f"report: {os.path.join(args.out, 'report.html')}")


if __name__ == "__main__":
    try:
        main()
    except Refused as e:
        sys.exit(f"the cluster refuses: {e}")
    except OSError as e:
        sys.exit(f"no Teravox answers: {e}")
