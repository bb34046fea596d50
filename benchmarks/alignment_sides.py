"""One DPO step by this library and by TRL's DPOTrainer: the same models, responses and settings.

Each side runs in a process and, if need be, an environment of its own:
`python alignment_sides.py SIDE FOLDER CASE`, CASE being JSON; the last line of its standard output
is what it found. `prepare` writes the models, policy and reference of different random weights, so
that agreeing losses mean something. AdamW at 1e-4, beta 0.1, norms clipped to 1.

TRL's side is a plain DPOTrainer as its documentation has it. What differs from its defaults: the
precision is that of the case; batches come in order (they are random tokens); no file is saved; and
gradient checkpointing, on by default there, is the case's. TRL has no lists: one of K responses is
K / 2 pairs of the same prompt there.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

END, UNKNOWN, FIRST = 0, 1, 2  # special tokens, and the first of the others
LR, BETA, CLIP = 1e-4, 0.1, 1.0
Found = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Sizes of a model and of its batches."""

    prompt: int = 128  # tokens
    response: int = 128
    lists: int = 2  # prompts a batch
    alternatives: int = 2  # responses to each
    layers: int = 4
    width: int = 256
    inner: int = 688  # of the feed-forward layers
    heads: int = 4
    vocabulary: int = 32_000
    steps: int = 7
    device: str = "cpu"
    bf16: bool = False
    checkpointing: bool = False
    cached_reference: bool = False  # ours alone: the reference's log-probabilities are known

    def tokens(self) -> int:
        """Tokens of a step, the prompt counted once for each response."""
        return self.lists * self.alternatives * (self.prompt + self.response)

    def rows(self) -> Iterator[tuple[list[int], list[list[int]]]]:
        """A prompt and its responses, the best one first, for every list of every step."""
        draw = random.Random(0)

        def some(count: int) -> list[int]:
            return [draw.randrange(FIRST, self.vocabulary) for _ in range(count)]

        for _ in range(self.steps * self.lists):
            yield (
                some(self.prompt),
                [[*some(self.response - 1), END] for _ in range(self.alternatives)],
            )


def measured(side: str, python: str, folder: Path, case: Case) -> Found:
    """What a side found, in a process of the given interpreter.

    Raises: SystemExit: the process failed.
    """
    command = [python, __file__, side, str(folder), json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(folder: Path, case: Case) -> Found:
    """Write `policy` and `reference`, two random Llamas, and a tokenizer of whole words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    for seed, name in enumerate(("policy", "reference")):
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=case.vocabulary,
            hidden_size=case.width,
            intermediate_size=case.inner,
            num_hidden_layers=case.layers,
            num_attention_heads=case.heads,
            max_position_embeddings=max(2048, case.prompt + case.response),
            tie_word_embeddings=False,
            pad_token_id=END,
            bos_token_id=None,
            eos_token_id=END,
        )
        model = LlamaForCausalLM(config)
        model.save_pretrained(folder / name)
        tokenizer(case).save_pretrained(folder / name)
    return {"parameters": sum(p.numel() for p in model.parameters())}


def tokenizer(case: Case) -> Any:
    """Token i is the word `wi`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<end>", "<unknown>", *(f"w{i}" for i in range(FIRST, case.vocabulary))]
    known = {word: i for i, word in enumerate(words)}
    found = Tokenizer(models.WordLevel(known, unk_token="<unknown>"))
    found.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=found, eos_token="<end>", pad_token="<end>", unk_token="<unknown>"
    )


class Clock:
    """Seconds between ticks: CPU seconds of the process, on a GPU those of the wall."""

    def __init__(self, case: Case) -> None:
        self.case, self.ticks = case, []

    def tick(self) -> None:
        """Remember this moment."""
        if self.case.device == "cuda":
            import torch

            torch.cuda.synchronize()
        self.ticks.append(perf_counter() if self.case.device == "cuda" else process_time())

    def found(self, losses: list[Any]) -> Found:
        """Median seconds of all steps but the first, the peak of memory, and the losses."""
        import torch

        pairs = zip(self.ticks, self.ticks[1:], strict=False)
        spent = [later - earlier for earlier, later in pairs]
        on_gpu = self.case.device == "cuda"
        peak = torch.cuda.max_memory_allocated() if on_gpu else 1024 * peak_kib()
        return {
            "seconds": statistics.median(spent[1:]),
            "megabytes": peak / 1e6,
            "losses": [float(loss) for loss in losses],
        }


def peak_kib() -> int:
    """The peak of this process's resident memory; that of its parent does not count."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) for words in lines if words[0] == "VmHWM:")


def ours(folder: Path, case: Case) -> Found:
    """The plugin's policy and objective."""
    import torch
    from transformers import AutoModelForCausalLM

    from contrast.engine.placement import move
    from contrast_alignment.batch import Item, collate
    from contrast_alignment.objectives.dpo import dpo
    from contrast_alignment.policy import Policy

    def load(name: str) -> Any:
        found = AutoModelForCausalLM.from_pretrained(folder / name, dtype=torch.float32)
        if case.checkpointing:
            found.gradient_checkpointing_enable({"use_reentrant": False})
        return found.to(case.device)

    policy = Policy(load("policy"), checkpointing=case.checkpointing)
    policy.reference = load("reference").requires_grad_(False)
    grades = tuple(float(-k) for k in range(case.alternatives))
    items = [
        Item(i, tuple(prompt), tuple(map(tuple, responses)), grades)
        for i, (prompt, responses) in enumerate(case.rows())
    ]
    batches = [collate(items[i : i + case.lists]) for i in range(0, len(items), case.lists)]
    autocast = torch.autocast(case.device, torch.bfloat16, enabled=case.bf16)
    if case.cached_reference:
        with autocast:
            batches = [replace(each, reference=policy.reference_sums(each)) for each in batches]
        policy.reference = None
    adamw = torch.optim.AdamW(policy.model.parameters(), lr=LR, weight_decay=0.0, fused=True)
    clock, losses = Clock(case), []
    for batch in batches:
        clock.tick()
        with autocast:
            form = policy(move(batch, case.device, torch.float32))
        loss = dpo(paired(form), beta=BETA)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.model.parameters(), CLIP)
        adamw.step()
        adamw.zero_grad()
        losses.append(loss.detach())
    clock.tick()
    return clock.found(losses)


def paired(form: Any) -> Any:
    """The lists cut into the pairs that TRL sees, so that both sides have one loss."""
    from contrast.forms import Lists

    scores, targets, reference = (
        each.view(-1, 2) for each in (form.scores, form.targets, form.reference)
    )
    return Lists(scores, targets=targets, reference=reference)


def trl(folder: Path, case: Case) -> Found:
    """TRL's DPOTrainer."""
    import tempfile

    from datasets import Dataset
    from transformers import AutoModelForCausalLM, TrainerCallback
    from trl import DPOConfig, DPOTrainer
    from trl import __version__ as version

    def words(tokens: list[int]) -> str:
        return "".join(f" w{token}" for token in tokens if token != END)

    pairs = [
        {"prompt": words(prompt), "chosen": words(better), "rejected": words(worse)}
        for prompt, responses in case.rows()
        for better, worse in zip(responses[::2], responses[1::2], strict=True)
    ]
    clock, losses = Clock(case), []

    class Ticks(TrainerCallback):
        def on_step_begin(self, *given: Any, **more: Any) -> None:
            clock.tick()

        def on_train_end(self, *given: Any, **more: Any) -> None:
            clock.tick()

    class Trainer(DPOTrainer):
        def compute_loss(self, *given: Any, **more: Any) -> Any:
            found = super().compute_loss(*given, **more)
            losses.append(found.detach())
            return found

    config = DPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=case.lists * case.alternatives // 2,
        max_steps=case.steps,
        max_length=case.prompt + case.response,
        learning_rate=LR,
        lr_scheduler_type="constant",
        beta=BETA,
        max_grad_norm=CLIP,
        bf16=case.bf16,
        use_cpu=case.device == "cpu",
        gradient_checkpointing=case.checkpointing,
        train_sampling_strategy="sequential",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    load = AutoModelForCausalLM.from_pretrained
    Trainer(
        str(folder / "policy"),
        ref_model=load(folder / "reference", dtype="float32"),
        args=config,
        train_dataset=Dataset.from_list(pairs),
        callbacks=[Ticks()],
    ).train()
    return clock.found(losses) | {"version": version}


def main() -> None:
    """One side, in this process."""
    side, folder, case = sys.argv[1:]
    asked = Case(**json.loads(case))
    if side == "prepare":
        print(json.dumps(prepare(Path(folder), asked)))
        return
    import torch

    torch.set_num_threads(1)
    print(json.dumps({"ours": ours, "trl": trl}[side](Path(folder), asked)))


if __name__ == "__main__":
    main()
