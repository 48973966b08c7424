"""Which libraries decide results: their versions count, together with the code of the package that uses them.

They compute or draw; skops keeps estimators. Others that only read, write or check what is given (h5py, uproot,
awkward, pandas, pyarrow, pillow, safetensors, pydantic) do not count.
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

# As it is imported -> as it is installed; the first one that is there.
LIBRARIES = {
    "fastjet": ("fastjet",),
    "matplotlib": ("matplotlib",),
    "numba": ("numba",),
    "numpy": ("numpy",),
    "optuna": ("optuna",),
    "pythia8mc": ("pythia8mc",),
    "scipy": ("scipy",),
    "skops": ("skops",),
    "sklearn": ("scikit-learn",),
    "torch": ("torch",),
    "xgboost": ("xgboost-cpu", "xgboost"),
}


@cache
def installed(library: str) -> tuple[str, str]:
    """Return name and version of one of ``LIBRARIES``, without what tells builds for CPUs and GPUs apart."""
    for name in LIBRARIES[library]:
        try:
            return name, version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return library, "none"
