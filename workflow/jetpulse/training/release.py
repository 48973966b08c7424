"""Released models: the weights of one training, with everything in model.json that a stranger has to know of them."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jetpulse.contents import hash_file
from jetpulse.errors import UserError
from jetpulse.samples import dump_json, publish, read_attributes
from jetpulse.samples.metrics import read_metrics
from jetpulse.training.descriptions import check_dataset, load_description, read_history, read_weights, sealed

# What model.json of a released model says under `release`.
FIELDS = ("experiment", "data", "code", "seed", "metrics", "licence", "sha256")


def write_release(
    models: Sequence[Path],
    metrics: Sequence[Path],
    inputs: Path,
    out: Path,
    *,
    experiment: str,
    licence: str,
    code: Mapping[str, str],
    views: int = 1,
) -> int:
    """Write ``out`` and model.json beside it: the training with the least validation loss; return its seed.

    Test entries have no say in the choice. Without a validation split it is the first training.

    Args:
        models: model.safetensors of every seed; model.json and history.csv are read beside them.
        metrics: metrics.json of every seed, in the same order.
        inputs: the file that was trained on; its MD5, as DVC has it, is the version of the data.
        out: path that ends in .safetensors.
        experiment: its name.
        licence: of the weights.
        code: what tells one state of the code from another, such as the version and hashes.
        views: of a jet, over which its predictions are means.

    Raises:
        UserError: a file that is missing or does not hold what it should.
    """
    losses = [_validation_loss(model) for model in models]
    chosen = losses.index(min(losses))
    model = models[chosen]
    description = load_description(model.with_name("model.json"))
    weights = read_weights(model, description)
    if "dataset" in description:
        attributes = read_attributes(inputs)
        dataset = json.loads(attributes["dataset"]) if "dataset" in attributes else attributes["spec"]
        check_dataset(inputs, dataset, model, description)
    release = {
        "experiment": experiment,
        "data": {"file": inputs.as_posix(), "md5": hash_file(inputs, "md5")},
        "code": dict(code),
        "seed": description["seed"],
        "metrics": read_metrics(metrics[chosen]),
        "licence": licence,
        "sha256": description["checksums"]["weights"],
    }
    with publish(out) as temporary:
        temporary.write_bytes(weights)
    several = {"views": views} if views > 1 else {}
    dump_json(out.with_name("model.json"), sealed(description | several | {"release": release}))
    return int(description["seed"])


def check_release(model: Path, description: Mapping[str, Any], code: str) -> list[str]:
    """Return lines that say what a model is, and warnings: not released, or made for other code.

    Args:
        model: model.safetensors.
        description: its model.json.
        code: hash of the code that predicts with it here.

    Raises:
        UserError: model.json lacks something, or the weights are not those that were released.
    """
    place = model.with_name("model.json")
    release = description.get("release")
    if release is None:
        return [f"{model}: not a released model; its data, code and quality are not known"]
    missing = [name for name in FIELDS if name not in release]
    if missing:
        raise UserError(f"{place}: release: lacks {', '.join(map(repr, missing))}; fetch the released model again")
    if release["seed"] != description["seed"]:
        raise UserError(
            f"{place}: release is of seed {release['seed']}, the model of seed {description['seed']}; fetch it again"
        )
    read_weights(model, description)
    if description["checksums"]["weights"] != release["sha256"]:
        raise UserError(f"{place}: not released with the weights that it describes; fetch both again")
    lines = [
        f"experiment {release['experiment']}, seed {release['seed']}, licence: {release['licence']}",
        f"trained on {release['data']['file']}, version {release['data']['md5']}",
        f"jetpulse {release['code'].get('jetpulse')}, training code {release['code'].get('train')}",
    ]
    lines += [f"test split of {name}: {_numbers(values)}" for name, values in release["metrics"].items()]
    if release["code"].get("predict") != code:
        lines.append("warning: the code that predicts is not that of the release; scores can differ from the metrics'")
    return lines


def _validation_loss(model: Path) -> float:
    """Return a training's least validation loss, infinity without validation."""
    rows = csv.DictReader(io.StringIO(read_history(model.with_name("history.csv"))))
    values = [float(row["val_loss"]) for row in rows if row.get("val_loss")]
    return min((value for value in values if not math.isnan(value)), default=math.inf)


def _numbers(values: Mapping[str, Any]) -> str:
    parts = ("_error", "_low", "_high")
    kept = {name: value for name, value in values.items() if isinstance(value, float) and not name.endswith(parts)}
    return ", ".join(f"{name} {value:.4g}" for name, value in kept.items())
