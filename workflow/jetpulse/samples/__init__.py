"""The HDF5 contract: splits of ragged or dense entries, units, provenance; streamed in and out."""

from jetpulse.samples.archives import read_npz
from jetpulse.samples.events import FileContents, describe_events, event_ids, row_ids, row_of
from jetpulse.samples.files import dump_json, load_json, publish
from jetpulse.samples.hdf5 import open_hdf5
from jetpulse.samples.ragged import counts_to_offsets, segment_sum, take_ragged
from jetpulse.samples.splits import assign_splits, hash_events, shuffle_splits
from jetpulse.samples.store import (
    SPLITS,
    Block,
    Writer,
    group_names,
    iterate_blocks,
    kind_of,
    open_own,
    read_attributes,
    read_block,
    read_entries,
    split_sizes,
)

__all__ = [
    "SPLITS",
    "Block",
    "FileContents",
    "Writer",
    "assign_splits",
    "counts_to_offsets",
    "describe_events",
    "dump_json",
    "event_ids",
    "group_names",
    "hash_events",
    "iterate_blocks",
    "kind_of",
    "load_json",
    "open_hdf5",
    "open_own",
    "publish",
    "read_attributes",
    "read_block",
    "read_entries",
    "read_npz",
    "row_ids",
    "row_of",
    "segment_sum",
    "shuffle_splits",
    "split_sizes",
    "take_ragged",
]
