"""The HDF5 contract: splits of ragged or dense entries, units, provenance; streamed in and out."""

from jetpulse.samples.archives import read_npz
from jetpulse.samples.files import dump_json, load_json, publish
from jetpulse.samples.hdf5 import open_hdf5
from jetpulse.samples.ragged import counts_to_offsets, segment_sum, take_ragged
from jetpulse.samples.splits import assign_splits, hash_events, shuffle_splits
from jetpulse.samples.store import (
    SPLITS,
    Block,
    Writer,
    iterate_blocks,
    read_attributes,
    read_block,
    split_sizes,
)

__all__ = [
    "SPLITS",
    "Block",
    "Writer",
    "assign_splits",
    "counts_to_offsets",
    "dump_json",
    "hash_events",
    "iterate_blocks",
    "load_json",
    "open_hdf5",
    "publish",
    "read_attributes",
    "read_block",
    "read_npz",
    "segment_sum",
    "shuffle_splits",
    "split_sizes",
    "take_ragged",
]
