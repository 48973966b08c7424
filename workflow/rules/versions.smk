"""The stages of dvc.yaml as named targets, such as `snakemake datasets@jets`."""

for stage, files in stages().items():

    rule:
        """Make what one stage of dvc.yaml consists of."""
        name:
            stage
        input:
            files,
