"""What looks at a picture: features at strides 4, 8, 16 and 32, from a backbone chosen by its name.

References: `resnet50` is He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), table 1,
in the form that public checkpoints have (stride in the 3x3 convolution of a block; names of its tensors as
torchvision's, so that these load without change). `small` is the body of Howard et al., "Searching for MobileNetV3"
(ICCV 2019), table 1, without its last layers: a twentieth of the multiplications, most of them in 1x1 convolutions,
which a CPU does well.

Pictures are RGB, normalised by the mean and deviation of ImageNet (`normalised`), of any size: a stride s gives
ceil(size / s) cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

Features = list[torch.Tensor]
"""(N, C, H / s, W / s) for each stride s of 4, 8, 16, 32."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(rgb: torch.Tensor, white: float = 1.0) -> torch.Tensor:
    """Pictures as backbones expect them, from (N, 3, H, W) in 0..1; white is what white is before (`Config.white`)."""
    mean, deviation = (rgb.new_tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (rgb * white - mean) / deviation


class Backbone(nn.Module):
    """What every backbone promises."""

    channels: tuple[int, int, int, int]
    """Of the features, by stride."""

    def forward(self, pictures: torch.Tensor) -> Features:
        """Features of normalised pictures (N, 3, H, W)."""
        raise NotImplementedError

    def _start(self) -> None:
        """He's initialisation of all convolutions."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class Bottleneck(nn.Module):
    """1x1 to fewer channels, 3x3, 1x1 to four times as many; plus the input."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(skip, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, 4 width, H / stride, W / stride)."""
        skip = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + skip)


class ResNet50(Backbone):
    """See the module; 23.5 million parameters."""

    channels = (256, 512, 1024, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._layer(64, 64, 3, 1)
        self.layer2 = self._layer(256, 128, 4, 2)
        self.layer3 = self._layer(512, 256, 6, 2)
        self.layer4 = self._layer(1024, 512, 3, 2)
        self._start()

    @staticmethod
    def _layer(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
        first = Bottleneck(inputs, width, stride)
        return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)))

    def forward(self, pictures: torch.Tensor) -> Features:
        """See `Backbone.forward`."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(pictures))))
        features = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            features.append(x)
        return features


class SqueezeExcite(nn.Module):
    """Channels weighted by what the whole picture says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, channels // 4)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return x * self.weigh(x)


class InvertedResidual(nn.Module):
    """1x1 to more channels, a convolution of each for itself, 1x1 to few; plus the input where sizes agree."""

    def __init__(
        self, inputs: int, kernel: int, width: int, outputs: int, weighed: bool, hard: bool, stride: int
    ) -> None:
        super().__init__()
        self.adds = stride == 1 and inputs == outputs
        act = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = []
        if width != inputs:
            layers += [nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), act()]
        layers += [nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)]
        layers += [nn.BatchNorm2d(width), act()]
        if weighed:
            layers.append(SqueezeExcite(width))
        layers += [nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        return x + self.layers(x) if self.adds else self.layers(x)


BLOCKS = (
    # kernel, width, outputs, weighed, hard, stride; a group for every stride from 4 on
    ((3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1)),
    ((5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1)),
    ((3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
     (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1)),
    ((5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1)),
)  # fmt: skip


class Small(Backbone):
    """See the module; 2.8 million parameters."""

    channels = (24, 40, 112, 160)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.stages = nn.ModuleList(self._stages())
        self._start()

    @staticmethod
    def _stages() -> Iterator[nn.Sequential]:
        inputs = 16
        for group in BLOCKS:
            blocks = []
            for kernel, width, outputs, weighed, hard, stride in group:
                blocks.append(InvertedResidual(inputs, kernel, width, outputs, weighed, hard, stride))
                inputs = outputs
            yield nn.Sequential(*blocks)

    def forward(self, pictures: torch.Tensor) -> Features:
        """See `Backbone.forward`."""
        x = self.stem(pictures)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


BACKBONES: dict[str, Callable[[], Backbone]] = {"resnet50": ResNet50, "small": Small}


def backbone(name: str) -> Backbone:
    """A backbone with random weights.

    Raises:
        ValueError: if there is none of that name.
    """
    if name not in BACKBONES:
        raise ValueError(f"there is no backbone {name!r}, only {' and '.join(BACKBONES)}")
    return BACKBONES[name]()


class Upsampling(nn.Sequential):
    """Three deconvolutions (4x4, stride 2, normalisation, ReLU) from stride 32 to stride 4, which 3DMPPE's heads share.

    Reference: Xiao, Wu and Wei, "Simple baselines for human pose estimation and tracking" (ECCV 2018); initialised by a
    Gaussian of 0.001 as 3DMPPE says.
    """

    def __init__(self, inputs: int, width: int) -> None:
        layers: list[nn.Module] = []
        for source in (inputs, width, width):
            up = nn.ConvTranspose2d(source, width, 4, 2, 1, bias=False)
            nn.init.normal_(up.weight, std=0.001)
            layers += [up, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        super().__init__(*layers)
