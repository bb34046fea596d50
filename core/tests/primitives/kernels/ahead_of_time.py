"""Compile every kernel for an H100 or H200 without one: registers and spills as lines of JSON.

    python core/tests/primitives/kernels/ahead_of_time.py [bare]

`bare` leaves out those with structures, which take longest. A script, since the tests around it interpret the kernels in their own process.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from contrast.primitives.kernels import operands, passes
from contrast.primitives.kernels.relations import Counted

TARGET = GPUTarget("cuda", 90, 32)
POINTERS = {
    **dict.fromkeys(("a", "k", "out"), "half"),
    **dict.fromkeys(("holes",), "*i32"),
    **dict.fromkeys(("row_ids", "column_ids"), "*i64"),
    "allowed": "*u8",
}
NUMBERS = {"scale": "fp32", "lift": "fp32"}
WHO = {
    "HOLES": 1,
    "FIRST": 2,
    "FIRST_EQUAL": False,
    "SECOND": 1,
    "SECOND_EQUAL": True,
    "MASK": True,
}
PARTS = {
    "statistics": ("STORE", "STARTED", "MOMENT", "COLUMNS"),
    "gradients": ("FACTOR", "SLOPE", "COLUMNS"),
}
VARIANTS = [  # pass, what is asked of it, structures, half-precision dtype or None for float32
    ("statistics", {}, {}, "bf16"),
    ("statistics", {"STORE": True, "STARTED": True}, {}, "bf16"),
    ("statistics", {"STORE": True}, {}, "fp16"),
    ("statistics", {"STORE": True, "STARTED": True}, {}, None),
    ("statistics", {"MOMENT": True, "COLUMNS": True, "SCALED": True}, WHO | {"LOGS": True}, "bf16"),
    ("statistics", {"MOMENT": True, "COLUMNS": True, "SCALED": True}, WHO | {"LOGS": True}, None),
    ("gradients", {}, {}, "bf16"),
    ("gradients", {"FACTOR": True, "COLUMNS": True}, {"HOLES": 1}, "bf16"),
    ("gradients", {"FACTOR": True, "SLOPE": True, "COLUMNS": True, "SCALED": True}, WHO, "bf16"),
    ("gradients", {"FACTOR": True, "SLOPE": True, "COLUMNS": True, "SCALED": True}, WHO, None),
]


def compiled(name, asked, who, half):
    kernel = getattr(passes, name)
    tile = operands.FUSED_TILE if half else operands.READ_TILE
    constants = dict(zip(("BM", "BN", "BK"), tile, strict=False))
    constants |= Counted().constants() | who | dict.fromkeys(PARTS[name], False)
    constants |= {"FUSED": bool(half), "WIDEN": False, "ACC": triton.language.float32}
    constants |= {"SCALED": False} | asked
    return build(kernel, constants, half, tile)


def build(kernel, constants, half, tile):
    signature, attrs = {}, {}
    for i, param in enumerate(kernel.arg_names):
        if param in constants:
            signature[param] = "constexpr"
            continue
        kind = POINTERS.get(param, NUMBERS.get(param))
        if kind is None:
            whole = param in {"n", "m", "D", "diagonal"} or param.endswith("stride")
            kind = "i32" if whole else "*fp32"
        signature[param] = f"*{half or 'fp32'}" if kind == "half" else kind
        if kind not in NUMBERS.values() and param != "diagonal":
            attrs[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, constants, attrs)
    options = {"num_warps": tile[3], "num_stages": tile[4]}
    return triton.compile(source, target=TARGET, options=options)


def lowered():
    bm, bn, _, warps, stages = operands.FUSED_TILE
    return build(passes.lower, {"BM": bm, "BN": bn}, "bf16", (bm, bn, 0, warps, stages))


def resources(built):
    """What the assembler says of registers and of bytes on the stack, where spills go."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(built.asm["cubin"])
        file.flush()
        call = [tool, "-res-usage", file.name]
        said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    return {name.lower(): int(re.search(rf"{name}:(\d+)", said)[1]) for name in ("REG", "STACK")}


def main():
    for name, asked, who, half in VARIANTS:
        if who and sys.argv[1:] == ["bare"]:
            continue
        built = compiled(name, asked, who, half)
        found = {"kernel": name, "asks": [*asked], "who": [*who], "dtype": half or "fp32"}
        found |= resources(built) | {"shared": built.metadata.shared}
        found["wgmma"] = "wgmma.mma_async" in built.asm["ptx"]
        print(json.dumps(found), flush=True)
    print(json.dumps({"kernel": "lower", **resources(lowered())}), flush=True)


if __name__ == "__main__":
    main()
