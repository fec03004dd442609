"""Public architectures of transformers and timm, small and with random weights: imported, solved by Z-IL, compared.

`make test-networks` prints a line for each and ends with an error where one cannot be imported or differs from
torch.autograd. Nothing is downloaded but the packages; each runs in a process of its own, so that its memory shows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
import transformers
from torch import Tensor, nn

import pcgraph as pc

try:
    import timm
except RuntimeError:  # its torchvision was built for another edition of torch: no network here calls what is missing
    boxes = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        boxes.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm

SMALL: Mapping[str, Any] = {
    "vocab_size": 40, "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embed_dim": 16, "embedding_size": 16,
    "num_hidden_layers": 2, "num_layers": 2, "n_layer": 2, "n_layers": 2, "encoder_layers": 2, "decoder_layers": 2,
    "num_attention_heads": 4, "num_heads": 4, "n_head": 4, "n_heads": 4, "encoder_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "d_kv": 8, "intermediate_size": 48, "d_ff": 48, "hidden_dim": 48,
    "n_inner": 48,
    "ffn_dim": 48, "encoder_ffn_dim": 48, "moe_intermediate_size": 16, "num_local_experts": 4, "num_experts": 4,
    "word_embed_proj_dim": 32, "max_position_embeddings": 64, "pad_token_id": 0, "image_size": 32, "patch_size": 8,
    "use_cache": False, "state_size": 4, "time_step_rank": 4,
}  # fmt: skip
WORDS: Mapping[str, Mapping[str, Any]] = {
    "bert": {}, "roberta": {}, "distilbert": {}, "albert": {}, "electra": {}, "deberta-v2": {}, "mpnet": {},
    "gpt2": {}, "gpt_neox": {}, "opt": {}, "llama": {}, "mistral": {}, "qwen2": {}, "qwen3": {},
    "gemma": {},
    "phi": {}, "stablelm": {}, "falcon": {}, "olmo2": {}, "mamba": {}, "modernbert": {},
}  # fmt: skip
PICTURES: Mapping[str, Mapping[str, Any]] = {
    "vit": {}, "deit": {}, "beit": {"use_relative_position_bias": True}, "dinov2": {}, "convnextv2": {
        "patch_size": 4, "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]
    },
    "swin": {"patch_size": 4, "window_size": 4, "depths": [1, 1], "num_heads": [2, 2]},
    "segformer": {"depths": [1] * 4, "hidden_sizes": [8, 8, 16, 16], "decoder_hidden_size": 16,
                  "num_attention_heads": [1, 1, 2, 2]},
    "poolformer": {"depths": [1] * 4, "hidden_sizes": [8, 8, 16, 16], "patch_size": 7},
}  # fmt: skip
TIMM = {
    "resnet18": 32, "mobilenetv3_small_050": 32, "regnetx_002": 32, "convnext_atto": 32,
    "ghostnet_050": 32, "vit_tiny_patch16_224": 32, "mixer_s32_224": 32, "resmlp_12_224": 32,
}  # fmt: skip


class OneOutput(nn.Module):
    """A network of transformers, from one tensor to one: its last hidden state."""

    def __init__(self, network: nn.Module, argument: str) -> None:
        super().__init__()
        self.network, self.argument = network, argument

    def forward(self, x: Tensor) -> Tensor:
        return self.network(**{self.argument: x}).last_hidden_state


def language(kind: str, changes: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
    return OneOutput(transformer(kind, changes), "input_ids"), torch.randint(3, 40, (2, 7))


def picture(kind: str, changes: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
    return OneOutput(transformer(kind, changes), "pixel_values"), torch.randn(2, 3, 32, 32)


def transformer(kind: str, changes: Mapping[str, Any]) -> nn.Module:
    usual = transformers.CONFIG_MAPPING[kind]().to_dict()
    known = [name for name, value in usual.items() if isinstance(value, int) or value is None]
    small = {name: SMALL[name] for name in known if name in SMALL}
    return transformers.AutoModel.from_config(transformers.AutoConfig.for_model(kind, **{**small, **changes}))


def from_timm(kind: str, size: int) -> tuple[nn.Module, Tensor]:
    sized = {"img_size": size} if kind.startswith(("vit", "mixer", "resmlp")) else {}
    return timm.create_model(kind, pretrained=False, num_classes=5, **sized), torch.randn(2, 3, size, size)


def architectures() -> dict[str, Callable[[], tuple[nn.Module, Tensor]]]:
    """Return how each network and its input are made, by name."""
    return {
        **{f"transformers {kind}": lambda kind=kind, c=changes: language(kind, c) for kind, changes in WORDS.items()},
        **{f"transformers {kind}": lambda kind=kind, c=changes: picture(kind, c) for kind, changes in PICTURES.items()},
        **{f"timm {kind}": lambda kind=kind, size=size: from_timm(kind, size) for kind, size in TIMM.items()},
    }


def measure(make: Callable[[], tuple[nn.Module, Tensor]], dtype: torch.dtype) -> dict[str, Any]:
    """Return how far Z-IL is from torch.autograd, by the trace and by the fast path, and what it takes."""
    torch.manual_seed(0)
    network, x = make()
    network, x = network.to(dtype).eval(), x.to(dtype) if x.is_floating_point() else x
    # The trace reads an error as μ − x. Behind weights that start as small as these, it is lost beside the values; a
    # target far away makes all errors larger, and changes nothing else.
    output = network(x).detach()
    target = output - 100 * torch.randn_like(output)
    began = time.perf_counter()
    problem = pc.from_torch(network, x, target)
    imported = time.perf_counter()
    solution = pc.solve(problem, "zil", save="last")
    solved = time.perf_counter()
    fast = pc.zil_gradients(problem, inputs=False)
    done = time.perf_counter()
    leaves = {name: each for name, each in network.named_parameters() if each.requires_grad}
    loss = 0.5 * (network(x) - target).square().sum()
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    backward = time.perf_counter()
    exact = {name: part for name, part in zip(leaves, found, strict=True) if part is not None}
    return {
        "parameters": sum(each.numel() for each in leaves.values()),
        "nodes": len(problem.graph.inner),
        "rounds": any(each.dtype == torch.float32 for each in pc.forward(problem).values()),
        "trace": farthest(solution.gradients, exact),
        "fast": farthest(fast, exact),
        "seconds": (imported - began, solved - imported, done - solved, backward - done),
    }


def farthest(found: Mapping[str, Tensor], exact: Mapping[str, Tensor]) -> float:
    """Return the largest relative difference; a gradient that is 0 but for rounding is measured by the largest one."""
    largest = max(float(part.norm()) for part in exact.values())
    far = [float((found[name] - part).norm()) / max(float(part.norm()), largest / 1e4) for name, part in exact.items()]
    return max(far)


def report(name: str, dtype: torch.dtype, answers: Any) -> None:
    """Measure one network in a process of its own, and hand over what came out."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    try:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = measure(architectures()[name], dtype)
        found["memory"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    except Exception as reason:
        found = {"reason": f"{type(reason).__name__}: {str(reason).splitlines()[0][:160]}"}
    answers.put(found)


HEAD = (
    f"{'network':42} {'type':>8} {'parameters':>10} {'nodes':>6} {'trace':>8} {'fast':>8} {'import':>8} {'Z-IL':>8} "
    f"{'fast':>7} {'torch':>7} {'memory':>8}"
)
# Of the trace and of the fast path; float32's trace too where a network itself rounds, as rotary positions do.
TOLERANCE = {torch.float64: (1e-8, 1e-10), torch.float32: (3e-2, 1e-4)}


def line(name: str, dtype: torch.dtype, found: Mapping[str, Any]) -> str:
    start = f"{name:42} {str(dtype).removeprefix('torch.'):>8} "
    if "reason" in found:
        return start + found["reason"]
    imported, solved, fast, backward = found["seconds"]
    return (
        f"{start}{found['parameters']:10} {found['nodes']:6} {found['trace']:8.0e} {found['fast']:8.0e} "
        f"{imported:6.1f} s {solved:6.1f} s {1000 * fast:4.0f} ms {1000 * backward:4.0f} ms {found['memory']:5.0f} MB"
    )


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("names", nargs="*", help="a part of the names to run; all where left out")
    wanted = reader.parse_args().names
    print(
        f"transformers {transformers.__version__}, timm {timm.__version__}, torch {torch.__version__}\n{HEAD}",
        flush=True,
    )
    wrong = []
    for name in architectures():
        for dtype in TOLERANCE if not wanted or any(part in name for part in wanted) else ():
            context = multiprocessing.get_context("fork")
            answers = context.SimpleQueue()
            process = context.Process(target=report, args=(name, dtype, answers))
            process.start()
            found = answers.get()
            process.join()
            print(line(name, dtype, found), flush=True)
            trace, fast = TOLERANCE[torch.float32 if found.get("rounds") else dtype][0], TOLERANCE[dtype][1]
            if "reason" in found or not (found["trace"] <= trace and found["fast"] <= fast):
                wrong.append(f"{name} ({dtype})")
    sys.exit(f"Not equal to torch.autograd: {', '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
