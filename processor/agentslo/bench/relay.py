"""The floor to compare with: a gRPC relay that does nothing but pass bytes on.

    python -m agentslo.bench.relay TARGET

In: OTLP/gRPC requests. Out: the same bytes to TARGET; each is acknowledged when TARGET has accepted
it. On standard output: the port. No state.
"""

import asyncio
import sys

import grpc

from agentslo.otlp.answer import Signal

LIMIT = 64 * 1024 * 1024


async def serve(target: str) -> None:
    """Relay until cancelled."""
    options = [("grpc.max_receive_message_length", LIMIT), ("grpc.so_reuseport", 0)]
    outgoing = [("grpc.max_send_message_length", -1)]
    channel = grpc.aio.insecure_channel(target, options=outgoing)
    onward: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        Signal.TRACES.grpc_method
    )

    async def export(body: bytes, _context: object) -> bytes:
        return await onward(body)

    server = grpc.aio.server(options=options)
    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    handler = grpc.method_handlers_generic_handler(Signal.TRACES.grpc_service, {"Export": method})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
