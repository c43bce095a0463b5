"""One running graph of MediaPipe calculators, put together from subgraphs of the installed package."""

# Protocol buffer classes are made at run time, so their fields are unknown to a type checker.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import mediapipe
import numpy as np
from google.protobuf import text_format
from mediapipe.framework import calculator_pb2
from mediapipe.python import packet_creator
from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util

# Where subgraphs find the models inside the wheel.
resource_util.set_resource_dir(os.path.dirname(os.path.dirname(mediapipe.__file__)))


class Graph:
    """One running MediaPipe graph; not to be used by two threads at once."""

    def __init__(self, config: str, outputs: tuple[str, ...]) -> None:
        parsed = text_format.Parse(config, calculator_pb2.CalculatorGraphConfig())
        self._graph = calculator_graph.CalculatorGraph(graph_config=parsed)
        self._results: dict[str, Any] = {}
        self._time = 0
        for name in outputs:
            self._graph.observe_output_stream(name, self._results.__setitem__)
        self._graph.start_run({})

    def close(self) -> None:
        """Free the network."""
        self._results.clear()
        self._graph.close()

    def run(self, rgb: np.ndarray, **inputs: Any) -> dict[str, Any]:
        """Packets of the outputs that have one."""
        self._results.clear()
        self._time += 1
        for name, packet in inputs.items():
            self._graph.add_packet_to_input_stream(name, packet.at(self._time))
        image = packet_creator.create_image_frame(
            data=np.ascontiguousarray(rgb), image_format=image_frame.ImageFormat.SRGB
        )
        self._graph.add_packet_to_input_stream("image", image.at(self._time))
        self._graph.wait_until_idle()
        return dict(self._results)
