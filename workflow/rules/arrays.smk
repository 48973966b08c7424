"""Tasks of a SLURM job array: each becomes the command that it is for.

The SLURM plugin starts every task with the command of the array's first job, which runs the task's own command and then
waits for the first job's files. Where they come later than `latency-wait` the task fails, although its own are there
(https://github.com/snakemake/snakemake-executor-plugin-slurm/issues/447, versions up to 2.8.0). Its own command has
no such option, and the first task, which is what it seems to be, is not listed in it.
"""

import base64
import json
import os
import sys
import zlib

ARRAY_OPTION = "--slurm-jobstep-array-execs="


def command_of_task(arguments, task):
    """Return the command of an array's task, or None outside of arrays and for the first one."""
    for argument in arguments:
        if argument.startswith(ARRAY_OPTION):
            commands = json.loads(base64.b64decode(argument.removeprefix(ARRAY_OPTION)))
            return zlib.decompress(bytes.fromhex(commands[task])).decode() if task in commands else None
    return None


task_command = command_of_task(sys.argv, os.environ.get("SLURM_ARRAY_TASK_ID"))
if task_command:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp("sh", ["sh", "-c", task_command])
