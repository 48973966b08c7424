"""Names of the columns of public tables, in the order of their files."""

# Baldi, Sadowski, Whiteson, Searching for exotic particles in high-energy physics with deep learning,
# doi:10.1038/ncomms5308: 21 low-level quantities of the detector, then 7 masses that physicists make of them.
HIGGS = (
    "lepton_pT",
    "lepton_eta",
    "lepton_phi",
    "missing_energy_magnitude",
    "missing_energy_phi",
    *(f"jet_{jet}_{name}" for jet in range(1, 5) for name in ("pt", "eta", "phi", "btag")),
    "m_jj",
    "m_jjj",
    "m_lv",
    "m_jlv",
    "m_bb",
    "m_wbb",
    "m_wwbb",
)
CALIFORNIA = (
    "longitude",
    "latitude",
    "housingMedianAge",
    "totalRooms",
    "totalBedrooms",
    "population",
    "households",
    "medianIncome",
)

# download -> what a dataset's `source` says of its table, which has no line of names
TABLES = {
    "higgs": {"names": ["label", *HIGGS], "label": "label"},
    "california-housing": {"names": [*CALIFORNIA, "medianHouseValue"], "target": "medianHouseValue"},
}
