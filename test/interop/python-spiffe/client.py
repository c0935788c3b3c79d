"""A workload in Python: does what its first argument says and prints one JSON value a line."""

import json
import sys
import threading

import grpc
from spiffe import JwtSvid, WorkloadApiClient, X509Source
from spiffe._proto import workload_pb2, workload_pb2_grpc


def say(value):
    print(json.dumps(value), flush=True)


def describe(svid):
    return {"id": str(svid.spiffe_id), "serial": format(svid.leaf.serial_number, "x")}


def fetch(socket):
    with WorkloadApiClient(socket) as client:
        svid = client.fetch_x509_svid(timeout=5)
        bundles = client.fetch_x509_bundles(timeout=5)
        say({
            **describe(svid),
            "chain": len(svid.cert_chain),
            "domains": sorted(bundle.trust_domain.name for bundle in bundles.bundles),
        })


def jwt(socket):
    """Fetches a token for one audience and has it judged, here and by the agent."""

    def judged(call):
        try:
            return str(call().spiffe_id)
        except Exception as error:
            return type(error).__name__

    with WorkloadApiClient(socket) as client:
        svid = client.fetch_jwt_svid(audience={"here"}, timeout=5)
        bundles = client.fetch_jwt_bundles(timeout=5)
        bundle = bundles.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
        say({
            "id": str(svid.spiffe_id),
            "audience": sorted(svid.audience),
            "keys": len(bundle.jwt_authorities),
            "offline": judged(lambda: JwtSvid.parse_and_validate(svid.token, bundle, {"here"})),
            "elsewhere": judged(lambda: JwtSvid.parse_and_validate(svid.token, bundle, {"x"})),
            "agent": judged(lambda: client.validate_jwt_svid(svid.token, "here", timeout=5)),
            "agentElsewhere": judged(lambda: client.validate_jwt_svid(svid.token, "x", timeout=5)),
        })


def watch(socket):
    """Prints each context until stdin ends."""
    with WorkloadApiClient(socket) as client:
        handle = client.stream_x509_contexts(
            lambda context: say(describe(context.default_svid)),
            lambda error: say({"error": str(error)}),
        )
        sys.stdin.read()
        handle.cancel()


def source(socket):
    """Prints the newest certificate at each update, as a long-lived program would use it."""
    with X509Source(socket_path=socket, timeout_in_seconds=5) as x509:
        first = describe(x509.svid)
        x509.subscribe_for_updates(lambda: say(describe(x509.svid)))
        # Only now: whoever reads this may rotate at once, and is told of it.
        say(first)
        sys.stdin.read()


def code_of(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def raw(socket):
    """The status codes of calls that a library would not make."""
    with grpc.insecure_channel(socket.replace("unix://", "unix:")) as channel:
        stub = workload_pb2_grpc.SpiffeWorkloadAPIStub(channel)
        good = (("workload.spiffe.io", "true"),)
        fetch_svid = lambda metadata: code_of(
            lambda: next(stub.FetchX509SVID(workload_pb2.X509SVIDRequest(), metadata=metadata, timeout=5))
        )
        say({
            "with": fetch_svid(good),
            "without": fetch_svid(()),
            "wrong": fetch_svid((("workload.spiffe.io", "True"),)),
            "twice": fetch_svid(good + good),
            "jwt": code_of(
                lambda: stub.FetchJWTSVID(
                    workload_pb2.JWTSVIDRequest(audience=["a"]), metadata=good, timeout=5
                )
            ),
            "jwtWithout": code_of(
                lambda: stub.FetchJWTSVID(workload_pb2.JWTSVIDRequest(audience=["a"]), timeout=5)
            ),
            "noAudience": code_of(
                lambda: stub.FetchJWTSVID(workload_pb2.JWTSVIDRequest(), metadata=good, timeout=5)
            ),
            "otherId": code_of(
                lambda: stub.FetchJWTSVID(
                    workload_pb2.JWTSVIDRequest(audience=["a"], spiffe_id="spiffe://cluster.local/x"),
                    metadata=good,
                    timeout=5,
                )
            ),
            "invalid": code_of(
                lambda: stub.ValidateJWTSVID(
                    workload_pb2.ValidateJWTSVIDRequest(audience="a", svid="a.b.c"),
                    metadata=good,
                    timeout=5,
                )
            ),
            "wit": code_of(
                lambda: channel.unary_unary("/SpiffeWorkloadAPI/FetchWITSVID")(
                    b"", metadata=good, timeout=5
                )
            ),
        })


threading.excepthook = lambda args: say({"crash": str(args.exc_value)})
{"fetch": fetch, "jwt": jwt, "watch": watch, "source": source, "raw": raw}[sys.argv[1]](sys.argv[2])
