"""The Parser in its own process. The process imports this module and not the whole application."""

from __future__ import annotations

from dataclasses import replace

from actors.handles.metrics_exporter import observe
from actors.handles.replicas import memory_share
from actors.parser.parser import EngineFactory, Parser, ParserConfig


class ParserReplica(Parser):
    """A Parser that exports its metrics and spans. Its memory limit is its share of the memory of its machine.

    A plain class; `serve_app.app` makes it a deployment.
    """

    def __init__(self, config: ParserConfig, make_engine: EngineFactory) -> None:
        observe("parser")
        limit = config.max_memory or memory_share(num_cpus=config.num_cpus, num_gpus=config.num_gpus)
        super().__init__(replace(config, max_memory=limit), make_engine)
