"""A user's own file in models/: what it lacks is one line, wherever it is read, and nobody else's trouble."""

import textwrap
from pathlib import Path

import pytest
import torch

from configurations import EXPERIMENT, changed
from jetpulse import models
from jetpulse.cli import main
from jetpulse.config import Experiment, networks, parse_config
from jetpulse.errors import UserError
from jetpulse.models import build_network, try_network
from jetpulse.training.files import write_model
from toys import specification, write_images

GOOD = '''
"""Two layers."""
import torch
from torch import nn

TASKS = ("classification",)


class Network(nn.Module):
    def __init__(self, shape, outputs, *, width: int = 4):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1], width), nn.Linear(width, outputs))

    def forward(self, inputs):
        return self.layers(inputs)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An additional folder of networks."""
    for path in networks._FOLDER.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    networks._describe.cache_clear()
    monkeypatch.setattr(networks, "_FOLDER", tmp_path)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    yield tmp_path
    networks._describe.cache_clear()


def write(folder: Path, *changes: tuple[str, str], name: str = "mine.py") -> str:
    """Write the good network with changes; return its name in a config."""
    text = textwrap.dedent(GOOD).strip() + "\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")
    return name.removesuffix(".py").replace("_", "-")


def config(name: str, **arguments: object) -> dict:
    return changed((f"{EXPERIMENT}.model", {"name": name, **arguments}))


@pytest.mark.parametrize(
    "change",
    [
        (),
        ('"""Two layers."""\n', ""),
        ('"""Two layers."""', '""""""'),
        ('TASKS = ("classification",)', 'TASKS: tuple[str, ...] = ("classification",)'),
        ('TASKS = ("classification",)', 'TASKS = ["classification"]'),
        ('TASKS = ("classification",)', 'torch.x, (a, b) = 1, (2, 3)\nTASKS = ("classification",)'),
        ("width: int = 4", 'width: "int" = 4'),
        ("width: int = 4", "width: int | None = 4"),
        ("width: int = 4", 'width: int = 4, kind: Literal["float", "int"] = "float", what: list[float] = [1]'),
    ],
)
def test_a_network_that_can_be_read_is_listed_and_checked(folder, capsys, change):
    name = write(folder, *([change] if change else []))
    parse_config(config(name, width=8), "my.yaml")
    assert main(["list-models"]) == 0
    assert f"\n{name}: " in capsys.readouterr().out


BROKEN = {
    "syntax": (("class Network", "clas Network"), "not valid Python"),
    "null": (("import torch\n", "import torch\0\n"), "null bytes"),
    "deep": (("import torch\n", "x = " + "(" * 3000 + ")" * 3000 + "\n"), "not valid Python"),
    "no class": (("class Network", "class MyNetwork"), "no class Network"),
    "no tasks": (('TASKS = ("classification",)\n', ""), "TASKS is missing"),
    "text": (('("classification",)', '("classification")'), "TASKS is 'classification', must be a tuple"),
    "unknown task": (('("classification",)', '("clasification",)'), "must be a tuple of some of classification"),
    "no task": (('("classification",)', "()"), "TASKS is ()"),
    "computed tasks": (('("classification",)', "tuple(['classification'])"), "line 5: TASKS must be a literal"),
    "declared tasks": (('TASKS = ("classification",)', "TASKS: tuple"), "TASKS must be a literal"),
    "input": (('TASKS = ("', 'INPUT = "pictures"\nTASKS = ("'), "INPUT is 'pictures', must be one of arrays"),
    "list": (('TASKS = ("', 'INPUT = ["images"]\nTASKS = ("'), "INPUT is ['images'], must be one of arrays"),
    "no init": (("def __init__", "def build"), "class Network has no __init__(self, shape, outputs"),
    "few": (("self, shape, outputs, *,", "self, shape, *,"), "__init__ takes (self, shape), must be"),
    "no star": (("outputs, *, width", "outputs, width"), "__init__ takes (self, shape, outputs, width)"),
    "no type": (("width: int = 4", "width=4"), "argument 'width' has no type"),
    "no default": (("width: int = 4", "width: int"), "argument 'width' has no default"),
    "computed default": (("width: int = 4", "width: int = 2 * 2"), "default of line 9: argument 'width' must be a lit"),
    "constant": (("width: int = 4", "width: int = WIDTH"), "argument 'width' must be a literal"),
    "unknown type": (("width: int = 4", "width: Width = 4"), "type of line 9: argument 'width' is not understood"),
    "type of torch": (("width: int = 4", "width: torch.dtype = None"), "is not understood"),
    "broken type": (("width: int = 4", 'width: "int[" = 4'), "is not understood"),
    "raising type": (("width: int = 4", "width: Literal[()] = 4"), "argument 'width'"),
    "taken": (("width: int = 4", "name: int = 4"), "argument 'name' cannot be a key"),
    "hidden": (("width: int = 4", "_width: int = 4"), "argument '_width' cannot be a key"),
    "wrong default": (("width: int = 4", "width: int = 'x'"), "'width': the network's own default: "),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_a_networks_file_lacks_is_one_line_everywhere(folder, capsys, kind):
    change, words = BROKEN[kind]
    name = write(folder, change)
    with pytest.raises(UserError) as error:
        parse_config(config(name), "my.yaml")
    line = str(error.value)
    assert line.startswith(f"my.yaml: {EXPERIMENT}.model: {'mine' if kind == 'wrong default' else 'models/mine.py'}: ")
    assert words in line
    assert "\n" not in line
    parse_config(config("jet-cnn"), "my.yaml")  # the others are not concerned
    with pytest.raises(UserError, match="networks that do: boosted-trees"):
        parse_config(changed((f"{EXPERIMENT}.model.name", "vae")), "my.yaml")
    if kind == "wrong default":
        return
    assert main(["list-models"]) == 1
    out, err = capsys.readouterr()
    assert "jet-cnn: " in out
    assert "vae: " in out
    assert err.startswith("jetpulse list-models: models/mine.py: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("my-net.py", GOOD.encode(), "underscores, not dashes"),
        ("latin.py", "# é\n".encode("latin-1"), "not valid Python"),
        ("empty.py", b"", "no class Network"),
    ],
)
def test_files_of_other_kinds_are_one_line(folder, capsys, name, content, words):
    (folder / name).write_bytes(content)
    assert main(["list-models"]) == 1
    assert words in capsys.readouterr().err


def test_folders_links_that_lead_nowhere_and_helpers(folder, capsys):
    (folder / "_mine.py").write_text("x = 1\n")
    (folder / "._mac.py").write_bytes(b"\0\5\x16\7")
    assert main(["list-models"]) == 0
    (folder / "folder.py").mkdir()
    (folder / "link.py").symlink_to("nowhere")
    capsys.readouterr()
    assert main(["list-models"]) == 1
    assert "models/folder.py: cannot be read: Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("import torch\n", "import nowhere\n"), "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        (
            ("import torch\n", "import torch\n1 / 0\n"),
            "cannot be imported: ZeroDivisionError: division by zero (line 3)",
        ),
        (
            ("super().__init__()", "super().__init__()\n        raise OSError('oh')"),
            "built for inputs of 3 x 4: OSError: oh",
        ),
        (("nn.Linear(width, outputs)", "nn.Linear(width)"), "cannot be built for inputs of 3 x 4: TypeError: "),
        (("class Network(nn.Module)", "class Network(dict)"), "Network is not a torch.nn.Module"),
        (("nn.Linear(width, outputs)", "nn.Linear(10**7, 10**7)"), "GiB; choose smaller arguments"),
    ],
)
def test_a_network_that_cannot_be_built_is_one_line(folder, request, change, words):
    name = write(folder, change, name=f"built{abs(hash(request.node.name)) % 10**8}.py")
    with pytest.raises(UserError) as error:
        build_network(name, (3, 4), 2, {})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("return self.layers(inputs)", "return self.layers(inputs)[:, :1]"), "float32 of shape (2, 1)"),
        (("return self.layers(inputs)", "return self.layers(inputs)[:, 0]"), "float32 of shape (2,)"),
        (("return self.layers(inputs)", "return self.layers(inputs).argmax(1, True).expand(2, 2)"), "int64 of shape"),
        (
            ("return self.layers(inputs)", "return self.layers(inputs), 1"),
            "returns tuple for inputs of shape (2, 3",
        ),
        (("return self.layers(inputs)", "self.layers(inputs)"), "returns NoneType"),
        (("return self.layers(inputs)", "return self.nothing"), "has no attribute 'nothing' (line 14)"),
        (("def forward", "def forwards"), "NotImplementedError"),
        (("self.layers = ", "self.layers = lambda x: x\n        unused = "), "no parameters that could be trained"),
    ],
)
def test_a_network_that_answers_what_no_task_can_use_is_one_line(folder, request, change, words):
    name = write(folder, change, name=f"tried{abs(hash(request.node.name)) % 10**8}.py")
    with pytest.raises(UserError) as error:
        try_network(name, build_network(name, (3, 4), 2, {}), torch.zeros(2, 3, 4), (2,))
    assert str(error.value).startswith(f"models/{name}.py: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_too_many_outputs_are_refused_before_training(folder, tmp_path):
    name = write(folder, ("nn.Linear(width, outputs)", "nn.Linear(width, outputs + 1)"), name="toomany.py")
    images = write_images(tmp_path / "images.h5")
    spec = Experiment.model_validate(specification() | {"model": {"name": name}})
    with pytest.raises(UserError, match="must return floats of shape"):
        write_model(images, tmp_path / "m" / "model.safetensors", spec, 1)
    assert not (tmp_path / "m").exists()


def test_building_draws_the_same_numbers_as_ever():
    torch.manual_seed(1)
    expected = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    torch.manual_seed(1)
    found = build_network("dense", (3, 4), 2, {"hidden": []})
    assert torch.equal(found.layers[1].weight, expected[1].weight)
