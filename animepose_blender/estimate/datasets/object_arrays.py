"""Read .npz files that hold dictionaries of arrays, without unpickling.

numpy stores a dictionary as a pickle, and loading a pickle runs whatever it says. Human3.6M is passed around in such
files. Here the pickle is not loaded: `pickletools` takes it apart into its instructions without carrying them out, and
of these only the ones that build plain containers, numbers, text and numeric arrays are followed; no name in the file
is ever looked up. Anything else is refused.
"""

from __future__ import annotations

import math
import os
import pickletools
import zipfile
import zlib
from enum import Enum, auto
from typing import IO, Any

import numpy as np

from ...errors import AnimePoseError


class _Name(Enum):
    """What a name in the file stands for here; none is a function."""

    ARRAY = auto()
    ARRAY_TYPE = auto()
    DTYPE = auto()
    SCALAR = auto()
    ENCODE = auto()


_NAMES = {
    ("numpy", "ndarray"): _Name.ARRAY_TYPE,
    ("numpy", "dtype"): _Name.DTYPE,
    ("_codecs", "encode"): _Name.ENCODE,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Name.ARRAY for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Name.SCALAR for core in ("core", "_core")},
}
"""The only names a file may use."""

_IGNORED = {"PROTO", "FRAME"}
_VALUES = {
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class _Array:
    """An array under construction: the file may speak of it before it has said what is in it."""

    value: np.ndarray | None = None


class _Dtype:
    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="


def read_nested(path: str | os.PathLike[str], name: str, remedy: str) -> Any:
    """One member of an .npz that may hold dictionaries and lists of numeric arrays.

    Args:
        path: the file; name: of the member; remedy: what the user can do where it is not as expected.
    Returns:
        A dictionary, list, array, ... as the file has it.
    Raises:
        AnimePoseError: if the file is missing, has no such member, or holds anything but plain data.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                member = archive.open(f"{name}.npy")
            except KeyError as error:
                raise AnimePoseError(
                    f"{path} has no member {name!r}; it has {archive.namelist()[:5]}.", remedy
                ) from error
            with member:
                return _read_member(member)
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no file {path}.", "Check the path.") from error
    # RecursionError: data that contains itself.
    except (OSError, ValueError, EOFError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        raise AnimePoseError(f"{path} cannot be read: {error}.", remedy) from error


def _read_member(file: IO[bytes]) -> Any:
    version = np.lib.format.read_magic(file)  # pyright: ignore[reportArgumentType] - any file will do
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"its .npy version {version} is not known")
    shape, fortran, dtype = read_header[version](file)  # pyright: ignore[reportArgumentType]
    if dtype.hasobject:
        value = _plain(_follow(file.read()))
        return value.item() if isinstance(value, np.ndarray) and not value.shape else value
    return np.frombuffer(file.read(), dtype).reshape(shape, order="F" if fortran else "C")


def _follow(pickled: bytes) -> Any:
    """Build what the instructions describe.

    Raises:
        ValueError: at the first instruction that is none of plain data.
    """
    stack: list[Any] = []
    memo: dict[Any, Any] = {}

    def since_mark() -> list[Any]:
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is _MARK:
                items = stack[place + 1 :]
                del stack[place:]
                return items
        raise ValueError("it is damaged")

    try:
        for code, argument, _ in pickletools.genops(pickled):
            if code.name in _IGNORED:
                continue
            if code.name in _VALUES:
                stack.append(_CONSTANTS.get(code.name, argument))
            elif code.name in ("GLOBAL", "STACK_GLOBAL"):
                names = str(argument).split(" ") if code.name == "GLOBAL" else [stack.pop(), stack.pop()][::-1]
                stack.append(_named(*names))
            elif code.name == "MARK":
                stack.append(_MARK)
            elif code.name in ("EMPTY_DICT", "EMPTY_LIST"):
                stack.append({} if code.name == "EMPTY_DICT" else [])
            elif code.name in _TUPLES or code.name == "TUPLE":
                size = _TUPLES.get(code.name)
                items = since_mark() if size is None else [stack.pop() for _ in range(size)][::-1]
                stack.append(tuple(items))
            elif code.name in ("SETITEM", "SETITEMS"):
                items = [stack.pop(), stack.pop()][::-1] if code.name == "SETITEM" else since_mark()
                stack[-1].update(zip(items[::2], items[1::2]))
            elif code.name in ("APPEND", "APPENDS"):
                items = [stack.pop()] if code.name == "APPEND" else since_mark()
                stack[-1].extend(items)
            elif code.name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
                memo[len(memo) if argument is None else argument] = stack[-1]
            elif code.name in ("BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif code.name == "REDUCE":
                arguments, what = stack.pop(), stack.pop()
                stack.append(_made(what, arguments))
            elif code.name == "BUILD":
                state = stack.pop()
                _fill(stack[-1], state)
            elif code.name == "STOP":
                return stack.pop()
            else:
                raise ValueError(f"it holds more than plain data ({code.name})")
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is damaged, or holds more than plain data") from error
    raise ValueError("it ends too early")


def _named(module: str, name: str) -> _Name:
    if (module, name) not in _NAMES:
        raise ValueError(f"it holds more than plain data ({module}.{name})")
    return _NAMES[module, name]


def _made(what: Any, arguments: tuple[Any, ...]) -> Any:
    """What the file calls for, made by us."""
    if what is _Name.ARRAY:
        return _Array()
    if what is _Name.DTYPE and isinstance(arguments[0], str):
        return _Dtype(arguments[0])
    if what is _Name.SCALAR:
        return np.frombuffer(_bytes(arguments[1]), _numeric(arguments[0]), count=1)[0]
    if what is _Name.ENCODE and arguments[1] == "latin1":
        return arguments[0].encode("latin1")
    raise ValueError("it holds more than plain data")


def _fill(target: Any, state: tuple[Any, ...]) -> None:
    if isinstance(target, _Dtype):
        target.order = {"<": "<", ">": ">"}.get(state[1], "=")
        return
    if not isinstance(target, _Array):
        raise ValueError("it holds more than plain data")
    _, shape, dtype, fortran, content = state
    if dtype.code.startswith("O"):
        values = np.empty(len(content), dtype=object)
        for place, value in enumerate(content):
            values[place] = value
    else:
        values = np.frombuffer(_bytes(content), _numeric(dtype))
    if math.prod(shape) != len(values):
        raise ValueError("it is damaged")
    target.value = values.reshape(shape, order="F" if fortran else "C")


def _numeric(dtype: _Dtype) -> np.dtype:
    made = np.dtype(dtype.code).newbyteorder(dtype.order)  # pyright: ignore[reportArgumentType] - one of three
    if made.kind not in "biuf":
        raise ValueError(f"it holds arrays that are not of numbers ({dtype.code})")
    return made


def _bytes(content: Any) -> bytes:
    # Python 2 had no bytes; its text comes back letter by letter.
    return content.encode("latin1") if isinstance(content, str) else content


def _plain(value: Any) -> Any:
    """The same without anything under construction."""
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("it is damaged")
        value = value.value
        if value.dtype == object:
            filled = np.empty(value.shape, dtype=object)
            for place in np.ndindex(value.shape):
                filled[place] = _plain(value[place])
            return filled
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, _Dtype):
        raise ValueError("it holds more than plain data")
    return value
