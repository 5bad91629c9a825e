"""A model that says what a script says: an OpenAI-compatible server on loopback, without a network.

It answers a question by asking for the first tool it was offered, and a tool's result by the final
answer. Every answer costs the same tokens, so that what agentslo counts can be checked.

    python scripted_model.py 8099     # then: OPENAI_BASE_URL=http://127.0.0.1:8099/v1
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKENS_IN, TOKENS_OUT = 150, 21
ANSWER = "Your order is on its way."
ORDER = 4711


def reply(request: dict) -> dict:
    """The message of the model: a tool call, or the answer once a result is there."""
    done = str(ORDER) in json.dumps(request["messages"])  # it has asked for the tool before
    tools = {t["function"]["name"]: t["function"] for t in request.get("tools", [])}
    name = next((n for n in tools if "order" in n), next(iter(tools), ""))
    if "final_answer" in tools and done:  # smolagents answers by a tool
        return called("final_answer", {"answer": ANSWER})
    if done or not name:
        return {"role": "assistant", "content": ANSWER}
    return called(name, {"number": ORDER})


def called(name: str, arguments: dict) -> dict:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{name}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def usage() -> dict:
    return {
        "prompt_tokens": TOKENS_IN,
        "completion_tokens": TOKENS_OUT,
        "total_tokens": TOKENS_IN + TOKENS_OUT,
    }


class Model(BaseHTTPRequestHandler):
    """POST .../chat/completions, whole or as a stream."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = reply(request)
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        head = {"id": f"cmpl-{time.monotonic_ns()}", "created": int(time.time())}
        head["model"] = request.get("model", "scripted")
        if request.get("stream"):
            self._stream(head, message, finish)
        else:
            choice = {"index": 0, "message": message, "finish_reason": finish}
            body = {**head, "object": "chat.completion", "choices": [choice], "usage": usage()}
            self._send("application/json", json.dumps(body).encode())

    def _stream(self, head: dict, message: dict, finish: str) -> None:
        for place, call in enumerate(message.get("tool_calls", [])):
            call["index"] = place
        head["object"] = "chat.completion.chunk"
        ends = ({"index": 0, "delta": message}, {"index": 0, "delta": {}, "finish_reason": finish})
        chunks = [{**head, "choices": [choice]} for choice in ends]
        chunks.append({**head, "choices": [], "usage": usage()})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        self._send("text/event-stream", "".join(lines).encode())

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the example's own output is what counts."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Model).serve_forever()
