"""MediaPipe's hand landmark network as a backend, run on crops that we choose.

`mediapipe.solutions.hands` looks for palms all over the picture. We know where the wrists are, so only its second
network is run, put together from the calculators of the installed package: its own subgraph hides how sure it is that
there is a hand. The model is the one inside the wheel (hand landmark full, Apache-2.0); nothing is downloaded.

Reference: Zhang et al. (2020), MediaPipe Hands; MediaPipe 0.10.21, modules/hand_landmark.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from queue import Queue

import cv2
import numpy as np

# Before MediaPipe itself, whose log it keeps quiet.
from .mediapipe_graph import Graph  # isort: skip
from mediapipe.python import packet_getter

from .backends import HandFind, by_index, region_to_picture
from .threads import side_by_side

MODEL_NAME = "MediaPipe hand landmark full, 0.10.21 (Apache-2.0)"

CROP_SIZE = 224
"""Input of the network, pixels."""

# The options of the calculators below are known to the graph's parser once their modules are there.
for _module in ("core.split_vector", "tensor.image_to_tensor", "tensor.inference", "tensor.tensors_to_floats"):
    import_module(f"mediapipe.calculators.{_module}_calculator_pb2")

_OUTPUTS = ("landmarks", "presence", "right", "world")
_GRAPH = """
input_stream: "image"
output_stream: "landmarks"
output_stream: "presence"
output_stream: "right"
output_stream: "world"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:complexity"
  options { [mediapipe.ConstantSidePacketCalculatorOptions.ext] { packet { int_value: 1 } } }
}
node {
  calculator: "ImageToTensorCalculator"
  input_stream: "IMAGE:image"
  output_stream: "TENSORS:input"
  options {
    [mediapipe.ImageToTensorCalculatorOptions.ext] {
      output_tensor_width: 224
      output_tensor_height: 224
      output_tensor_float_range { min: 0.0 max: 1.0 }
    }
  }
}
node {
  calculator: "HandLandmarkModelLoader"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  output_side_packet: "MODEL:model"
}
node {
  calculator: "InferenceCalculator"
  input_side_packet: "MODEL:model"
  input_stream: "TENSORS:input"
  output_stream: "TENSORS:output"
  options { [mediapipe.InferenceCalculatorOptions.ext] { delegate { xnnpack {} } } }
}
node {
  calculator: "SplitTensorVectorCalculator"
  input_stream: "output"
  output_stream: "t_0"
  output_stream: "t_1"
  output_stream: "t_2"
  output_stream: "t_3"
  options {
    [mediapipe.SplitVectorCalculatorOptions.ext] {
      ranges { begin: 0 end: 1 } ranges { begin: 1 end: 2 } ranges { begin: 2 end: 3 } ranges { begin: 3 end: 4 }
    }
  }
}
""" + "".join(
    f'node {{ calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:t_{k}" output_stream: "FLOATS:{name}" }}'
    for k, name in enumerate(_OUTPUTS)
)


class MediaPipeHands:
    """Hand estimator.

    Args:
        threads: networks that run side by side; each has its own copy of the model (5 MB).
    """

    def __init__(self, threads: int | None = None) -> None:
        count = threads or side_by_side()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="hands")
        self._graphs: Queue[Graph] = Queue()
        for _ in range(count):
            self._graphs.put(Graph(_GRAPH, _OUTPUTS))

    def close(self) -> None:
        """Stop the threads and free the networks; nothing can be estimated afterwards."""
        self._pool.shutdown()
        while not self._graphs.empty():
            self._graphs.get().close()

    def find_hands(self, rgb: np.ndarray, regions: np.ndarray) -> list[HandFind]:
        """See `backends.HandEstimator`."""
        return list(self._pool.map(lambda region: self._find(rgb, region), regions))

    def _find(self, rgb: np.ndarray, region: np.ndarray) -> HandFind:
        to_picture = region_to_picture(region, CROP_SIZE)
        linear = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(rgb, by_index(to_picture), (CROP_SIZE, CROP_SIZE), flags=linear)
        graph = self._graphs.get()
        try:
            packets = graph.run(crop)
        finally:
            self._graphs.put(graph)
        numbers = {name: np.array(packet_getter.get_float_list(packets[name])) for name in _OUTPUTS}
        points_m = numbers["world"].reshape(21, 3)
        # The network saw the crop, so its axes are turned with it.
        c, s = np.cos(region[3]), np.sin(region[3])
        points_m[:, :2] = points_m[:, :2] @ np.array([[c, s], [-s, c]])
        crop_px = numbers["landmarks"].reshape(21, 3)[:, :2]
        return HandFind(
            points_px=crop_px @ to_picture[:, :2].T + to_picture[:, 2],
            points_m=points_m,
            presence=float(numbers["presence"][0]),
            # The model was trained on mirrored pictures, and its figure is that of a left hand there.
            right=float(numbers["right"][0]),
        )
