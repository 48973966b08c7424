"""Verbs of the configuration: check a file, write the generated documents."""

from pathlib import Path

from jetpulse.cli.common import log, path, verb


@verb(path("config", "YAML file"))
def check_config(config: Path) -> None:
    """Check a configuration without running anything.

    Prints a line for every mistake: file, key, what was given, what is allowed, the nearest valid spelling; also for
    every file that is missing, or download that cannot be had (those that can are made by the workflow). Without any,
    lists which experiment is which point of a scan.

    Example:
      jetpulse check-config config/config.yaml
    """
    from jetpulse.config import expand_scans, load_config
    from jetpulse.fetch.datasets import check_outside
    from jetpulse.fetch.sources import known_sources

    analysis = load_config(config)
    expanded, scans = expand_scans(analysis, str(config))
    check_outside(expanded, known_sources(), str(config))
    print(
        f"{config}: {len(analysis.datasets)} datasets, {len(analysis.representations)} representations, "
        f"{len(analysis.experiments)} experiments: no mistakes"
    )
    for name, scan in scans.items():
        print(f"scan {name} of {scan.base}:")
        for point in scan.points:
            print(f"  {scan.label(point)}: {point.experiment}")
    if scans:
        print(f"with the points of scans {len(expanded.experiments)} experiments")


@verb(path("folder", "the folder config/ of the project"))
def document_config(folder: Path) -> None:
    """Write what is generated from the config models.

    Writes schema.json (for editors), defaults.yaml (every default) and the table of keys in README.md. Run it
    after a change of the models in workflow/jetpulse/config or of a network's arguments.

    Example:
      jetpulse document-config config
    """
    from jetpulse.config.documents import write_documents

    for written in write_documents(folder):
        log(f"wrote {written}")
