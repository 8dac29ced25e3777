"""`python -m serve_app`: run the whole service on this machine until Ctrl-C."""

from __future__ import annotations

import atexit
import errno
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import nullcontext
from pathlib import Path

from actors.parser.parser import EngineFactory, docling_engine
from serve_app import haproxy
from serve_app.header_timeout import HAPROXY_DEFAULTS
from serve_app.settings import Settings
from serve_app.start_checks import CannotStart, check_files, check_journal, check_open_files, read_settings
from serve_app.state_lock import only_service_in

PORT_BLOCK = 100  # reserved for HAProxy and the ingress replicas of one service

STOPPED_EARLY = 130  # the exit status after Ctrl-C, as shells have it

HAPROXY = "RAY_SERVE_ENABLE_HA_PROXY"

#: An ingress replica listens on HOST, and HAProxy connects to the replicas of its machine at 127.0.0.1. So HOST must
#: include that address.
HOSTS_BEHIND_HAPROXY = ("127.0.0.1", "0.0.0.0", "localhost")

RAY_ON_ONE_MACHINE = {
    HAPROXY: "1",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
    "RAY_SERVE_HAPROXY_RETRY_ON": HAPROXY_DEFAULTS,
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve_app.proxies.middlewares",
    # A starting proxy imports for seconds, for longer on a busy machine. By default it is killed after 3 times 5 s.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
    # By default Ray starts a worker for each core before anything asks for one. On a machine with many cores, most of
    # them stay without work.
    "RAY_prestart_worker_first_driver": "0",
    # The rest lowers what an idle service costs (docs/benchmarks.md).
    # By default Serve's controller checks every replica ten times a second.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    # By default every replica gives its metrics to Ray ten times a second. Ray passes them on every ten seconds.
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "5000",
    # Ray's agent measures the memory and CPU time of every process this often, for its metrics. By default every 5 s.
    "REPORTER_UPDATE_INTERVAL_MS": "60000",
    # Ray's log monitor sends what tasks print to the programs that started them. By default it looks for new log files
    # ten times a second; with these values, every two seconds.
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "2",
    # By default every process reports its tasks to Ray each second, for Ray's dashboard, which does not run here.
    "RAY_task_events_report_interval_ms": "0",
    # By default every process measures each event in its loops, for a debugging log of Ray.
    "RAY_event_stats": "0",
    # On one machine nobody chooses a node by these reports. By default the raylet makes them ten times a second, and
    # Ray's GCS asks for the demand each second.
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "10000",
    # By default the raylet looks five or ten times a second for idle workers, for garbage, and for a disk that is full.
    "RAY_kill_idle_workers_interval_ms": "2000",
    "RAY_raylet_check_gc_period_milliseconds": "1000",
    "RAY_local_fs_monitor_interval_ms": "1000",
}


def main(make_engine: EngineFactory = docling_engine) -> int:
    """Start Ray and the application, print the address, and stop both at SIGINT or SIGTERM.

    Returns the exit status. Benchmarks replace docling's engine with `make_engine`.
    """
    try:
        settings = read_settings()
        if "RAY_ADDRESS" in os.environ:  # then the port and the folders may be another machine's, or Serve's own
            return _run(settings, make_engine)
        _check_machine(settings)
        with only_service_in(Path(settings.state_dir)) if settings.is_local else nullcontext():
            check_journal(settings)
            return _run(settings, make_engine)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("docfleet was stopped before it was ready\n")
        return STOPPED_EARLY


def _check_machine(settings: Settings) -> None:
    """Raises CannotStart."""
    if reason := _refusal(settings.host, settings.port):
        raise CannotStart(reason)
    if os.environ.get(HAPROXY, "1") == "1":
        check_open_files()
    check_files(settings)


def _run(settings: Settings, make_engine: EngineFactory) -> int:
    choose_http_mode()
    from serve_app.local import running_service  # only now: Ray reads the environment at import

    stop = threading.Event()
    _set_at_a_signal(stop)
    sys.stderr.write("docfleet is starting: Ray, then the models ...\n")
    with running_service(settings, make_engine) as http:
        _set_at_a_signal(stop)  # once more: Ray has replaced the handler of SIGTERM by its own, which aborts
        if (http.host, http.port) != (settings.host, settings.port):
            sys.stderr.write("Serve runs on this cluster already and keeps its address: HOST and PORT have no effect\n")
        sys.stderr.write(f"docfleet is ready on {_url(http.host, http.port)} (Ctrl-C stops it)\n")
        stop.wait()
        sys.stderr.write("docfleet is stopping; unfinished jobs continue at the next start\n")
    return 0


def _set_at_a_signal(stop: threading.Event) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())


def choose_http_mode() -> None:
    """Put HAProxy in front of the ingress replicas. It serves four times as many requests as Serve's Python proxy
    (docs/benchmarks.md).

    Variables that the operator has set are kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="haproxy-", dir="/tmp"))  # the path of its socket is limited to 97 characters
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    *replicas, fallback_http, fallback_grpc, stats, metrics = _reserve_ports()
    defaults = {
        **RAY_ON_ONE_MACHINE,
        # Every service gets its own ports and files. With Ray's defaults, two services on one machine would share them.
        # The fallback proxies listen with SO_REUSEPORT, so each would answer some of the other's requests.
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(replicas[0]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(replicas[-1]),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback_http),  # answers while no ingress replica is up
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(fallback_grpc),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        **haproxy.setting(),
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def free_port() -> int:
    """A free port of the loopback address. It lies below those that the system hands out, so that no connection takes
    it before a service listens there.

    Raises OSError when none is free.
    """
    ports = range(30_000, 32_768)
    for port in random.sample(ports, len(ports)):
        if not _bind_error("127.0.0.1", port):
            return port
    raise OSError(f"No port of 127.0.0.1 between {ports[0]} and {ports[-1]} is free. Stop a program that listens there")


def _reserve_ports() -> range:
    """A block of free ports, above those of Ray's workers and below those of `free_port`.

    No other service takes one of them: this process keeps the port behind them bound until it ends. Raises OSError when
    no block is free.
    """
    blocks = range(20_000, 30_000, PORT_BLOCK)
    for first in random.sample(blocks, len(blocks)):
        reservation = socket.socket()
        try:
            reservation.bind(("127.0.0.1", first + PORT_BLOCK - 1))
        except OSError:
            reservation.close()
        else:
            atexit.register(reservation.close)
            return range(first, first + PORT_BLOCK - 1)
    raise OSError(f"{len(blocks)} services run on this machine, and there are ports for no more. Stop one of them")


def _refusal(host: str, port: int) -> str | None:
    """Why the service cannot listen on this address; None when it can."""
    error = _bind_error(host, port)
    if error and error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Set PORT to another port"
    if error:
        return f"Cannot listen on HOST={host}, PORT={port}: {error.strerror}"
    if os.environ.get(HAPROXY, "1") == "1" and host not in HOSTS_BEHIND_HAPROXY:
        return (
            f"HOST={host} does not work with HAProxy, which needs one of {', '.join(HOSTS_BEHIND_HAPROXY)}. "
            f"Set {HAPROXY}=0 to use Serve's Python proxy instead"
        )
    return None


def _bind_error(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
        return None


def _url(host: str | None, port: int) -> str:
    return f"http://[{host}]:{port}" if host and ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
