#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OpenAI-compatible endpoint for tests, on a free port of this machine, that misbehaves as the path asks.

http://127.0.0.1:PORT/SCENARIO/v1 is a base URL; what a scenario does stands in Handler.misbehave(). Where it behaves, it
prefers the summary that holds the word "good". On stdin it is asked, a line each: `port`, or `log SCENARIO`, which gives
what came there as JSON: requests, authorizations, bodies, times, the most at once. It ends when stdin does.
"""
import collections
import email.utils
import http.server
import json
import re
import sys
import threading
import time

LOCK = threading.Lock()
LOG = collections.defaultdict(lambda: {"requests": 0, "authorizations": [], "bodies": [], "times": [], "at_once": 0, "most": 0})


def judgement(prompt):
    found = [re.search(rf"<summary_{x}>\n(.*)\n</summary_{x}>", prompt, re.DOTALL) for x in "AB"]
    good = [match is not None and "good" in match.group(1) for match in found]
    if "garble" in prompt:
        return "Both have their merits."
    return "tie" if good[0] == good[1] else "AB"[good[1]]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def send(self, status, body, headers=(), length=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def completion(self, prompt):
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": judgement(prompt)}}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 1}}

    def misbehave(self, scenario, turn, request):
        """Whether it did, in place of an answer; `turn` counts the requests of the scenario from 0."""
        prompt = request["messages"][0]["content"]
        whole = json.dumps(self.completion(prompt)).encode()
        error = {"error": {"message": "The server is\nout of order.", "code": None}}
        if scenario == "flaky":
            scenario = ("500-once", "cut-once", "good", "malformed-once", "429-at-once", "good", "good")[turn % 7]
            turn = 0
        if scenario == "429-twice" and turn < 2:
            self.send(429, error, [("Retry-After", "1")])
        elif scenario == "429-at-once" and turn < 1:
            self.send(429, error, [("Retry-After", "0")])
        elif scenario == "429-date" and turn < 1:
            self.send(429, error, [("Retry-After", email.utils.formatdate(time.time() + 2, usegmt=True))])
        elif scenario == "429-past" and turn < 1:
            self.send(429, error, [("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")])
        elif scenario == "429-far":
            self.send(429, error, [("Retry-After", "3600")])
        elif scenario == "429-quota":
            self.send(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})
        elif scenario == "5xx" and turn < 4:
            self.send((500, 502, 503, 504)[turn], error if turn % 2 else b"<html>oops</html>")
        elif scenario == "500-once" and turn < 1 or scenario == "500":
            self.send(500, error)
        elif scenario == "hang-once" and turn < 1 or scenario == "hang":
            time.sleep(30)
        elif scenario == "malformed-once" and turn < 1:
            self.send(200, b'{"choices": [{"mess')
        elif scenario == "cut-once" and turn < 1:
            self.send(200, whole[:40], length=len(whole))
            self.close_connection = True
        elif scenario == "no-reply-once" and turn < 1:
            self.close_connection = True
        elif scenario == "slow":
            self.send(200, whole[:20], length=len(whole))
            for i in range(20, len(whole), 40):
                time.sleep(0.02)
                self.wfile.write(whole[i:i + 40])
                self.wfile.flush()
        elif scenario == "trickle":
            self.send(200, b"{", length=10000)
            for _ in range(200):
                time.sleep(0.05)
                self.wfile.write(b" ")
                self.wfile.flush()
        elif scenario == "schema":
            self.send(200, {"result": "A", "key": self.headers.get("Authorization")})
        elif scenario == "null":
            self.send(200, {"choices": [{"message": {"role": "assistant", "content": None}}]})
        elif scenario == "no-usage":
            self.send(200, {"choices": [{"message": {"content": "A"}}]})
        elif scenario == "odd-usage":
            self.send(200, {"choices": [{"message": {"content": "A"}}], "usage": {"prompt_tokens": "many"}})
        elif scenario == "echo":
            self.send(200, {"choices": [{"message": {"content": "you sent " + str(self.headers.get("Authorization"))}}]})
        elif scenario == "redirect":
            self.send(302, b"", [("Location", "/good/v1/chat/completions")])
        elif scenario in ("400", "401", "403", "404"):
            self.send(int(scenario), {"error": {"message": f"no: {self.headers.get('Authorization')} is of no use."}})
        elif scenario == "pause":
            time.sleep(0.1)
            return False
        elif scenario == "500-after-five" and turn >= 5:
            self.send(500, error)
        else:
            return False
        return True

    def do_POST(self):
        scenario = self.path.split("/")[1]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        log = LOG[scenario]
        with LOCK:
            turn = log["requests"]
            log["requests"] += 1
            log["authorizations"].append(self.headers.get("Authorization"))
            log["bodies"].append(body)
            log["times"].append(time.monotonic())
            log["at_once"] += 1
            log["most"] = max(log["most"], log["at_once"])
        try:
            request = json.loads(body)
            if self.path != f"/{scenario}/v1/chat/completions":
                self.send(404, {"detail": f"there is no {self.path}"})
            elif not self.misbehave(scenario, turn, request):
                self.send(200, self.completion(request["messages"][0]["content"]))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with LOCK:
                log["at_once"] -= 1


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """Who asked has gone: that is what is tested."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        if line.strip() == "port":
            print(server.server_address[1], flush=True)
        else:
            with LOCK:
                print(json.dumps(LOG[line.split()[1]]), flush=True)


if __name__ == "__main__":
    main()
