"""What looks at a picture: features at strides 4, 8, 16 and 32, from a backbone chosen by its name.

References: `resnet50` is He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), table 1,
in the form that public checkpoints have (stride in the 3x3 convolution of a block; names of its tensors as
torchvision's, so that these load without change). `small` is EfficientNet-Lite0 without its head: Tan and Le,
"EfficientNet" (ICML 2019), table 1, less what slows a CPU (Liu, "Higher accuracy on vision models with
EfficientNet-Lite", TensorFlow blog, 2020: ReLU6, no squeeze-and-excitation); a tenth of the multiplications.

Pictures are RGB, normalised by the mean and deviation of ImageNet (`normalised`), of any size: a stride s gives
ceil(size / s) cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn
from torch.nn import functional

Features = list[torch.Tensor]
"""(N, C, H / s, W / s) for each stride s of 4, 8, 16, 32."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(rgb: torch.Tensor, white: float = 1.0) -> torch.Tensor:
    """Pictures as backbones expect them, from (N, 3, H, W) in 0..1; white is what white is before (`Config.white`)."""
    mean, deviation = (rgb.new_tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (rgb * white - mean) / deviation


STEP = 32
"""The last stride of every backbone: sides of pictures should be multiples of it."""


def padded(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (N, C, H, W) of any size, their right and lower rims repeated up to multiples of `STEP`."""
    height, width = pictures.shape[-2:]
    return functional.pad(pictures, (0, -width % STEP, 0, -height % STEP), mode="replicate")


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


class InvertedResidual(nn.Module):
    """1x1 to more channels, a convolution of each for itself, 1x1 to few; plus the input where sizes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, wider: int, stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and inputs == outputs
        width = inputs * wider
        layers: list[nn.Module] = []
        if wider != 1:
            layers += [nn.Conv2d(inputs, width, 1, bias=False), _norm(width), nn.ReLU6(inplace=True)]
        layers += [nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)]
        layers += [_norm(width), nn.ReLU6(inplace=True), nn.Conv2d(width, outputs, 1, bias=False), _norm(outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        return x + self.layers(x) if self.adds else self.layers(x)


def _norm(channels: int) -> nn.BatchNorm2d:
    # The public weights' own epsilon.
    return nn.BatchNorm2d(channels, eps=1e-3)


BLOCKS = (
    # outputs, kernel, how many times wider inside, stride, how often; a group for every stride from 4 on
    ((16, 3, 1, 1, 1), (24, 3, 6, 2, 2)),
    ((40, 5, 6, 2, 2),),
    ((80, 3, 6, 2, 3), (112, 5, 6, 1, 3)),
    ((192, 5, 6, 2, 4), (320, 3, 6, 1, 1)),
)


class Small(Backbone):
    """See the module; 3 million parameters."""

    channels = (24, 40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), _norm(32), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList(self._stages())
        self._start()

    @staticmethod
    def _stages() -> Iterator[nn.Sequential]:
        inputs = 32
        for group in BLOCKS:
            blocks = []
            for outputs, kernel, wider, stride, often in group:
                for number in range(often):
                    blocks.append(InvertedResidual(inputs, outputs, kernel, wider, stride if number == 0 else 1))
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

    def load_published(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Take the public weights of EfficientNet-Lite0, less their head, in the same order as our layers.

        They were trained on pictures as (rgb - 127 / 255) / (128 / 255); the first layers are changed so that
        `normalised` pictures give the same.

        Raises:
            ValueError: if the tensors are not those of EfficientNet-Lite0.
        """
        theirs = [t for name, t in tensors.items() if name.startswith(("_conv_stem", "_bn0", "_blocks."))]
        ours = self.state_dict()
        if [t.shape for t in theirs] != [t.shape for t in ours.values()]:
            raise ValueError("these are not the tensors of EfficientNet-Lite0")
        taken = dict(zip(ours, theirs, strict=True))
        mean, deviation = torch.tensor(MEAN), torch.tensor(DEVIATION)
        weight = taken["stem.0.weight"]
        shift = (weight.sum(dim=(2, 3)) * (mean * 255 - 127) / 128).sum(dim=1)
        taken["stem.0.weight"] = weight * (deviation * 255 / 128)[:, None, None]
        taken["stem.1.running_mean"] = taken["stem.1.running_mean"] - shift
        self.load_state_dict(taken)


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

    def __init__(self, channels: tuple[int, ...], width: int, laterals: bool = False) -> None:
        """
        Args:
            channels: of the features.
            width: of what comes out.
            laterals: whether features at strides 16, 8 and 4 are added on the way, as in feature pyramids (Lin et al.,
                2017); not in the publications, whose backbones carry more through stride 32.
        """
        layers: list[nn.Module] = []
        for source in (channels[-1], width, width):
            up = nn.ConvTranspose2d(source, width, 4, 2, 1, bias=False)
            nn.init.normal_(up.weight, std=0.001)
            layers += [up, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        super().__init__(*layers)
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n, width, 1, bias=False), nn.BatchNorm2d(width)) for n in channels[-2::-1]
        ) if laterals else None  # fmt: skip

    def forward(self, features: Features) -> torch.Tensor:
        """(N, width, H / 4, W / 4) from features of (N, 3, H, W), sides multiples of 32."""
        x, rest = features[-1], features[-2::-1]
        for number in range(3):
            up, norm, relu = (self[3 * number + k] for k in range(3))
            x = norm(up(x))
            if self.laterals is not None:
                x = x + self.laterals[number](rest[number])
            x = relu(x)
        return x
