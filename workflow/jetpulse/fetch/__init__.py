"""Downloads: the table of remote files, resumed transfers, checksums, pins, members of archives."""
