"""The spare process: `python -m actors.parser.spare_process CONNECTION PARENT` answers the calls of its parent."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection

from actors.errors import DocfleetError, ParserFailed
from actors.parser.limited_engine import EngineCall, LimitedEngine
from actors.parser.parser import limited_engine
from actors.parser.spare import SpareAnswer
from actors.telemetry.export import export_spans
from actors.telemetry.logs import get_logger

log = get_logger()

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends and whatever this one does then."""
    if sys.platform == "linux":  # elsewhere it ends after its call, when it finds the connection closed
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def serve(connection: Connection) -> None:
    """Say when the engine is ready, and answer calls until the parent closes the connection."""
    (config, make_engine), memory = connection.recv()
    resource.setrlimit(resource.RLIMIT_DATA, memory)  # it has inherited the limit of the call that is stuck
    engine = limited_engine(config, make_engine(config))
    connection.send("ready")
    while True:
        connection.send(answer(engine, connection.recv()))


def answer(engine: LimitedEngine, call: EngineCall[object]) -> SpareAnswer:
    try:
        result = engine.run(call, refuse=partial(os._exit, 1))
    except DocfleetError as error:
        return SpareAnswer(error=error, fit=is_fit(engine))
    except Exception as error:
        log.exception("spare_call_failed")
        return SpareAnswer(error=ParserFailed(f"the parser failed with {type(error).__name__}"), fit=is_fit(engine))
    return SpareAnswer(result=result, fit=is_fit(engine))


def is_fit(engine: LimitedEngine) -> bool:
    try:
        engine.check_fitness()
    except RuntimeError as error:
        log.info("spare_process_unfit", reason=str(error))
        return False
    return True


if __name__ == "__main__":
    end_with(parent=int(sys.argv[2]))
    export_spans("parser")
    with suppress(EOFError):
        serve(Connection(int(sys.argv[1])))
