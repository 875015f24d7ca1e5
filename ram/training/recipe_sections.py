"""The sections of a recipe file: data, schedule, losses and generated tags. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ram.errors import InputError

OBJECTIVES = ("tagging", "alignment", "distillation", "contrastive", "retention", "captioning", "self_critical")
"""Names of the objectives; :mod:`ram.training.objectives` has a function for each."""

WRITING = ("captioning", "self_critical")
"""Those of a captioner."""

LOSSES = ("asl", "bce", "ce", "hill", "splc")
"""Asymmetric loss, binary cross entropy, cross entropy, Hill, self-paced loss correction: RAM++'s Tables 11 and 12."""

TEACHERS = ("clip-vit-b-16", "classifier", "captions")
"""CLIP's image tower beside its text tower, the backbone's ImageNet classifier, an image's own captions."""

PRECISIONS = ("bfloat16", "float16", "float32")
"""Dtypes of autocast, by their names in PyTorch."""


@dataclass(frozen=True)
class DataRecipe:
    """``[data]``: what to learn from. Paths are relative to the folder that ``ram train --data`` names.

    Args:
        triplets: files in the official form, as ``ram parse`` writes them.
        pictures: one folder for each triplet file, to which its image paths are relative. Further folders belong to
            the files of ``labels``, one each, or none where the images lie beside the file.
        vocabulary: CSV file of tags; "shipped" is the label system in the package, "own" the tags of ``labels``,
            "shipped+own" both.
        descriptions: JSON file of descriptions per tag; "shipped" for ours (the lexicon's for tags that are not ours),
            "lexicon" for the lexicon's alone, "template" for one sentence per tag.
        dev: triplet file and folder of the development set, or empty.
        dev_share: fraction of the images that is held out as the development set in place of ``dev``.
        views: random crops per image that are cached for a frozen backbone.
        shards: patterns of WebDataset tar files, such as "train-{0000..0999}.tar" or "disk*/*.tar".
        labels: a user's own labels: CSV files, COCO instances or folders, see
            :func:`ram.training.data.own_labels.read_own_labels`; "." is the data folder.
        workers: processes that read images; 0 reads in the training process. The result is the same.
        shuffle_buffer: images of shards are shuffled within so many consecutive ones; the shards are shuffled too.
        plain_prompt: begin the descriptions of each tag with "a photo of a ...". That sentence fits every image of the
            tag, so re-weighting tends to learn to choose nothing else.
        incomplete: those of ``triplets`` in which a tag may be present although it is not listed.
    """

    triplets: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    vocabulary: str = "shipped"
    descriptions: str = "shipped"
    dev: tuple[str, ...] = ()
    dev_share: float = 0.0
    views: int = 1
    shards: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    workers: int = 0
    shuffle_buffer: int = 20_000
    plain_prompt: bool = True
    incomplete: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        files, folders = len(self.triplets), len(self.pictures)
        if not (self.triplets or self.shards or self.labels):
            raise InputError("data names no triplets, shards or labels: give at least one of them")
        if folders not in (files, files + len(self.labels)):
            raise InputError(
                f"data.triplets names {files} files and data.pictures {folders} folders: give one folder for each, "
                "and then one for each of data.labels, or none"
            )
        if unknown := sorted(set(self.incomplete) - set(self.triplets)):
            raise InputError(f"data.incomplete names {unknown[0]!r}, which is not one of data.triplets")
        if self.views < 1:
            raise InputError(f"data.views is {self.views}: it must be at least 1")
        if self.workers < 0:
            raise InputError(f"data.workers is {self.workers}: it must not be negative")
        if self.shuffle_buffer < 1:
            raise InputError(f"data.shuffle_buffer is {self.shuffle_buffer}: it must be at least 1")
        if len(self.dev) not in (0, 2):
            raise InputError(f"data.dev is {list(self.dev)}: it must be a triplet file and its pictures folder")
        if not 0 <= self.dev_share < 1:
            raise InputError(f"data.dev_share is {self.dev_share}: it must be at least 0 and under 1")
        if self.dev and self.dev_share:
            raise InputError("data.dev and data.dev_share are both given: hold out by one of them")
        if self.vocabulary in ("own", "shipped+own") and not self.labels:
            raise InputError(f"data.vocabulary is {self.vocabulary!r}: it is made of data.labels, which name nothing")


@dataclass(frozen=True)
class ScheduleRecipe:
    """``[schedule]``: how to learn. AdamW with linear warm-up to ``learning_rate``, then decay.

    Args:
        epochs: passes over the images.
        batch: images per step, those of all processes together.
        learning_rate: the highest.
        warmup: fraction of all steps that warms up.
        warmup_steps: number of warm-up steps in place of ``warmup``; 0 takes the fraction.
        decay: "cosine" for half a cosine to 0; a number multiplies the rate after every epoch (the paper: 0.9).
        weight_decay: for weight matrices, not for biases, norms or the re-weighting scale.
        backbone_rate: learning rate of a trained backbone relative to the rest.
        clip: largest gradient norm.
        average: decay of the running average of the weights that is saved; 0 saves the last weights.
        tags_per_step: tags of each step, first those that occur in the batch, then random ones; 0 for all.
        random_tags: how many of them are random at least, however many occur.
        negatives: absent tags that each image is scored against, drawn from those of the step; fast; 0 for all.
        hard_negatives: how many times as often those are drawn, and count, that look like a tag of the image and that
            the dense teacher rejects (``generated.dense_rejected``).
        mosaics: fraction of a step's images that are joined in pairs, see :mod:`ram.training.data.mosaics`.
        description_dropout: fraction of a tag's descriptions that a step leaves out, except for the last one, so that
            the decoder learns a tag from one sentence as well as from many.
        description_noise: length of a random vector that a step adds to all embeddings of a tag, which have length 1,
            so that the decoder learns what lies near a tag's sentences and not these alone; 0 adds none.
        captions_per_picture: captions drawn per image and step; the paper takes 1, more are more negatives.
        precision: "float32", or autocast in "bfloat16" or, on a GPU, in "float16" with a gradient scaler.
        accumulate: pieces in which each process computes its part of a batch that does not fit into memory. The
            gradient is that of the whole batch (but see :func:`ram.training.objectives.contrastive` and
            ``losses.tagging_scaled_to``).
        fixed_pieces: pieces of a batch, shared by the processes, each with its own dropout and contrastive images, so
            that losses do not depend on the number of processes; 0 for ``accumulate`` in each process.
        shard: divide weights, gradients and optimizer state among the processes (FSDP2).
        checkpointing: recompute the backbone's activations in the backward pass: less memory, a third more time.
        save_minutes: minutes between two savings of the state within an epoch; it is saved after every epoch too.
        log_every: steps between two lines of the learning curve.
        seed: of every random draw.
    """

    epochs: int
    batch: int
    learning_rate: float
    warmup: float = 0.1
    warmup_steps: int = 0
    decay: str | float = "cosine"
    weight_decay: float = 0.05
    backbone_rate: float = 1.0
    clip: float = 5.0
    average: float = 0.0
    tags_per_step: int = 0
    random_tags: int = 0
    negatives: int = 0
    hard_negatives: float = 1.0
    mosaics: float = 0.0
    description_dropout: float = 0.0
    description_noise: float = 0.0
    captions_per_picture: int = 1
    precision: str = "bfloat16"
    accumulate: int = 1
    fixed_pieces: int = 0
    shard: bool = False
    checkpointing: bool = False
    save_minutes: float = 10.0
    log_every: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_ranges()
        if not 0 <= self.mosaics <= 1:
            raise InputError(f"schedule.mosaics is {self.mosaics}: it must be between 0 and 1")
        if self.mosaics and max(self.accumulate, self.fixed_pieces) > 1:
            raise InputError("schedule.mosaics joins images of a whole step: set schedule.accumulate = 1")
        if self.fixed_pieces and self.accumulate > 1:
            raise InputError("schedule.fixed_pieces and accumulate both divide a batch: give one of them")
        if self.shard and self.precision == "float16":
            raise InputError("schedule.shard does not go with precision 'float16': take 'bfloat16' or 'float32'")
        if self.decay != "cosine" and (isinstance(self.decay, str) or not 0 < self.decay <= 1):
            raise InputError(f"schedule.decay is {self.decay!r}: it must be 'cosine' or a factor between 0 and 1")
        if self.precision not in PRECISIONS:
            raise InputError(f"schedule.precision is {self.precision!r}: it must be one of {sorted(PRECISIONS)}")
        self.pieces(1)

    def _check_ranges(self) -> None:
        counts_from_1 = ("epochs", "batch", "captions_per_picture", "accumulate", "log_every", "hard_negatives")
        counts = ("warmup_steps", "tags_per_step", "random_tags", "negatives", "fixed_pieces")
        for names, fits, rule in (
            (counts_from_1, lambda x: x >= 1, "be at least 1"),
            (("learning_rate", "backbone_rate", "clip"), lambda x: x > 0, "be over 0"),
            (("warmup", "average", "description_dropout"), lambda x: 0 <= x < 1, "be at least 0 and under 1"),
            (("weight_decay", "save_minutes", "description_noise", *counts), lambda x: x >= 0, "not be negative"),
        ):
            for name in names:
                if not fits(value := getattr(self, name)):
                    raise InputError(f"schedule.{name} is {value}: it must {rule}")

    def pieces(self, processes: int) -> int:
        """Return the number of equal pieces of a batch.

        Raises:
            InputError: the batch does not divide.
        """
        pieces = self.fixed_pieces or processes * self.accumulate
        if pieces % processes:
            raise InputError(f"schedule.fixed_pieces is {pieces}: it must divide among {processes} processes")
        if self.batch % pieces:
            given = f"schedule.accumulate {self.accumulate} times {processes} processes"
            given = "schedule.fixed_pieces" if self.fixed_pieces else given
            raise InputError(f"schedule.batch is {self.batch}: it must divide into {pieces} equal pieces ({given})")
        return pieces


@dataclass(frozen=True)
class LossRecipe:
    """``[losses]``: the loss of tags and of captions, one of :data:`LOSSES` with the papers' parameters.

    Args:
        tagging, alignment: names of the losses.
        unknown: weight of tags that are neither known to be present nor known to be absent, learned as absent. Most of
            them are, and the asymmetric loss discounts the others.
        tagging_scaled_to: objective to whose size the tagging loss is scaled, without gradient, before it is weighted:
            "captioning" in Tag2Text and RAM. Empty adds it as it is, as RAM++ does. The size is that of all processes;
            with ``schedule.accumulate`` each part of the batch is scaled by itself.
    """

    tagging: str = "asl"
    alignment: str = "asl"
    unknown: float = 0.0
    tagging_scaled_to: str = ""

    def __post_init__(self) -> None:
        for name in ("tagging", "alignment"):
            if getattr(self, name) not in LOSSES:
                raise InputError(f"losses.{name} is {getattr(self, name)!r}: choose one of {list(LOSSES)}")
        if not 0 <= self.unknown <= 1:
            raise InputError(f"losses.unknown is {self.unknown}: it must be between 0 and 1")
        if self.tagging_scaled_to not in ("", *OBJECTIVES) or self.tagging_scaled_to == "tagging":
            raise InputError(
                f"losses.tagging_scaled_to is {self.tagging_scaled_to!r}: name another objective, such as 'captioning'"
            )


@dataclass(frozen=True)
class CaptionRecipe:
    """``[captions]``: how captions and the tags that guide them are given to the captioner.

    Of Tag2Text, a caption is guided by the tags that were parsed from it. A captioner that reads given and seen tags
    apart (``seen_separator`` of its configuration) is given some of those, and sees tags of the image.

    Args:
        words: file of the captioner's WordPiece vocabulary below the data folder, such as `ram words` writes; "bert"
            for BERT's, which the official models have. Empty for that of the model of ``initialize`` where it has a
            captioner, else BERT's. The numbers of the special tokens are those of the file.
        tokens: longest caption, with its prompt.
        smoothing: share of the target that goes to all tokens alike.
        together: captions that are computed at the same time, those of about the same length, so that few tokens are
            padding; 0 for all of a piece, which suits a GPU.
        given: most given tags; their number is drawn evenly.
        none_given: fraction of captions without given tags.
        seen_dropped: fraction of an image's tags that are not seen.
        seen_false: fraction of captions with a seen tag that is false, one of another image.
        samples: captions that the objective self_critical draws for each image; the captions drawn for the step are
            their references, so that ``schedule.captions_per_picture`` should be all of them.
    """

    words: str = ""
    tokens: int = 40
    smoothing: float = 0.1
    together: int = 0
    given: int = 4
    none_given: float = 0.4
    seen_dropped: float = 0.3
    seen_false: float = 0.3
    samples: int = 5

    def __post_init__(self) -> None:
        if min(self.together, self.given) < 0:
            raise InputError(f"captions.together is {self.together} and given {self.given}: none may be negative")
        if self.samples < 2:
            raise InputError(f"captions.samples is {self.samples}: at least 2 are compared with each other")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"captions.smoothing is {self.smoothing}: it must be at least 0 and under 1")
        for name in ("none_given", "seen_dropped", "seen_false"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"captions.{name} is {getattr(self, name)}: it must be between 0 and 1")


@dataclass(frozen=True)
class GeneratedRecipe:
    """``[generated]``: which answers of the ImageNet classifier are added to the parsed tags.

    Args:
        threshold: probability over which a class, or all classes of a tag together, are present; 1 generates nothing.
        absent_below: probability under which a class that is not a tag is absent; in between it is unknown.
        exclude: text file below the data folder, one tag a line: classes whose names hold one are left out.
        dense_sure, dense_agreed: probabilities over which tags that the classifier sees in the image or in a part of it
            are added, see :func:`ram.training.data_engine.dense_tags.generated`; 1 adds none.
        dense_rejected: probability under which the classifier rejects a tag that looks like one it is sure of, see
            :func:`ram.training.data_engine.dense_tags.rejected`: the tag is known to be absent; 0 rejects none.
        detected: file of a detector's probabilities below the data folder, see
            :mod:`ram.training.data_engine.detected_tags`; empty for none.
        detected_absent: probability under which a detected tag is absent, and what implies it: without a dog no corgi.
    """

    threshold: float = 1.0
    absent_below: float = 0.01
    exclude: str = ""
    dense_sure: float = 1.0
    dense_agreed: float = 1.0
    dense_rejected: float = 0.0
    detected: str = ""
    detected_absent: float = 0.05

    def __post_init__(self) -> None:
        if self.dense_sure != 1 and not 0 < self.dense_agreed <= self.dense_sure < 1:
            raise InputError(
                f"generated.dense_sure is {self.dense_sure} and dense_agreed {self.dense_agreed}: they must be between "
                "0 and 1, and dense_agreed may not be over dense_sure"
            )
        if not 0 <= self.dense_rejected <= self.dense_agreed:
            raise InputError(
                f"generated.dense_rejected is {self.dense_rejected}: it must lie between 0 and generated.dense_agreed"
            )
        if not 0 <= self.detected_absent <= 1:
            raise InputError(f"generated.detected_absent is {self.detected_absent}: it must be between 0 and 1")
        if self.threshold < 1 and self.dense_sure < 1:
            raise InputError(
                "generated.threshold and generated.dense_sure do not go together: leave one of them at 1, which "
                "generates nothing"
            )
        if not 0 < self.threshold <= 1:
            raise InputError(f"generated.threshold is {self.threshold}: it must be over 0 and at most 1")
        if not 0 <= self.absent_below <= self.threshold:
            raise InputError(
                f"generated.absent_below is {self.absent_below}: it must lie between 0 and generated.threshold"
            )
