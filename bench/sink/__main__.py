"""`python -m bench.sink [--port N] [--delay-ms 30] [--chunked] [--close-each] [--always-continue]`

Runs the endpoint until Ctrl-C and prints what to point a client at.
"""

from __future__ import annotations

import argparse
import signal
import threading

from bench.sink.build import BUILD
from bench.sink.process import Behaviour, running_sink
from local.certificates import certificates_in


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--delay-ms", type=int, default=0, help="before each answer")
    parser.add_argument("--chunked", action="store_true", help="answers in chunks")
    parser.add_argument("--close-each", action="store_true", help="closes after each answer")
    parser.add_argument("--always-continue", action="store_true", help="sends 100 Continue before every body")
    given = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    certificates = certificates_in(BUILD / "certificates")
    with running_sink(certificates, port=given.port) as sink:
        sink.behave(Behaviour(given.delay_ms, given.chunked, given.close_each, given.always_continue))
        container = sink.new_container()
        print(f"CA      export SSL_CERT_FILE={sink.ca_file}")
        print(f"target  '{sink.container_url(container)}'")
        root = f"curl -s --cacert {sink.ca_file} https://127.0.0.1:{sink.port}/__sink"
        print(f"counts  {root}/stats      digests  {root}/digests/{container}")
        print(f"anew    {root}/forget (counters) or /reset (blobs and containers too)", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
