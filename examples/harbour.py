"""The text of the sample documents. The harbour of Lindholm and everything in it is made up."""

TIDES = [
    ["Day", "First high water", "Height (m)", "First low water", "Height (m)"],
    ["Monday", "03:12", "4.1", "09:24", "0.9"],
    ["Tuesday", "03:58", "4.3", "10:11", "0.7"],
    ["Wednesday", "04:41", "4.4", "10:55", "0.6"],
    ["Thursday", "05:23", "4.4", "11:38", "0.6"],
    ["Friday", "06:06", "4.2", "12:20", "0.8"],
    ["Saturday", "06:50", "3.9", "13:05", "1.1"],
    ["Sunday", "07:39", "3.6", "13:56", "1.4"],
]
FARES = [
    ["Crossing", "Minutes", "Adult", "Child", "Bicycle"],
    ["Lindholm to Skerry Island", "25", "6.40", "3.20", "2.00"],
    ["Lindholm to Saint Olaf", "40", "8.80", "4.40", "2.00"],
    ["Saint Olaf to Outer Light", "55", "11.20", "5.60", "3.50"],
    ["Round trip of the bay", "120", "19.00", "9.50", "5.00"],
]
PASSENGERS = [
    ("January", 18_240, 1_130),
    ("February", 17_655, 1_074),
    ("March", 22_910, 1_398),
    ("April", 31_402, 2_067),
    ("May", 40_118, 2_841),
    ("June", 52_377, 3_655),
]

SUMMARY = (
    "Lindholm is a small harbour with a large tide. Three ferries leave its inner basin every day of the year, and "
    "four fishing boats land their catch on the east quay. This report describes how the harbour works, what the "
    "tide asks of it, and what changed during the year."
)
BASIN = (
    "The inner basin is 240 metres long and 95 metres wide. It was dug by hand between 1871 and 1878, in clay that "
    "later became the bricks of the harbour office. A stone mole keeps out the swell from the west; a wooden one, "
    "renewed every thirty years, keeps out the swell from the south. Between the two moles lies the entrance, "
    "38 metres wide, marked by a green light and a red one."
)
SILT = (
    "Every tide carries fine sand through the entrance and leaves some of it behind. Left alone, the basin would "
    "rise by about eleven centimetres a year. A small dredger works for five weeks each autumn, when the ferries "
    "run less often, and moves the sand to the beach on the north side, where it came from in the first place."
)
CONTENTS = [
    "The harbour: its basin, its sand, its passengers and its log",
    "The tide: one week in April, hour by hour",
    "The ferries: crossings and fares",
    "Leaving the berth, and rules for small boats",
    "Outlook: what the next two winters bring",
]
GROWTH = (
    "More people crossed the bay in the first half of the year than in any half year before. June alone brought "
    "52,377 passengers and 3,655 bicycles; the figure shows the six months side by side."
)
LOG = (
    "The harbour office keeps a log that has not missed a day since 1903. Each entry gives the height of the water, "
    "the wind, the ships that came and went, and a line about anything unusual. Over the years the keepers of the log "
    "have written about ice that closed the entrance for nine days, about a whale that followed the evening ferry "
    "into the basin, and about a fog so thick that the captain of the morning boat waited at the mole and was guided "
    "in by a man who rang a hand bell. The log is more than a curiosity: engineers use its heights to set the level "
    "of new quays, and insurers use its remarks to settle old arguments. It is kept in ink, in one copy, and it is "
    "read far more often than anyone expected when a volunteer finally photographed all of its pages."
)
TIDE = (
    "The water in the basin rises and falls twice a day. At springs the range is 3.8 metres, at neaps 2.2 metres. "
    "Ferries can use the deep berth at any time, but the east quay dries for two hours on either side of low water. "
    "The table gives one week in April; heights are above chart datum."
)
FERRY = (
    "Three ferries serve the bay. The oldest, built in 1964, carries 120 passengers and no cars. The two newer ones "
    "carry 250 passengers each and run on batteries that are charged during the night and between crossings."
)
DEPARTURE = [
    "The mate counts the passengers and tells the bridge the number.",
    "The gangway is raised, and the deck hand reports it clear.",
    "The captain sounds one long blast before the ship leaves the berth.",
    "The bow line is let go first when the wind is from the west, last when it is from the east.",
    "The ship passes the moles at no more than four knots.",
]
ABOARD = [
    "Bicycles travel on the fore deck and are tied to the rail.",
    "Dogs travel free, on a lead.",
    "Hot drinks are sold until ten minutes before arrival.",
]
RULES = (
    "Small boats keep to the south side of the entrance and give way to ferries at all times. Engines are stopped "
    "within ten minutes of mooring. Nets are mended on the east quay only, and the quay is swept before nightfall. "
    "Visitors may stay for three nights and pay at the harbour office, which is open from seven until seven."
)
OUTLOOK = (
    "Next year the wooden mole is due for renewal. The work will take two winters, and the entrance will stay open "
    "throughout. The harbour office will publish its tide heights every ten minutes, measured by a gauge that was "
    "tested beside the old staff for a full year and never differed from it by more than two centimetres."
)
LETTER = [
    "HARBOUR OFFICE, LINDHOLM",
    "12 November 1958",
    "To the captain of the ferry Marianne",
    "Dear Captain Voss,",
    "The lamp on the wooden mole was found out at six",
    "this morning and was lit again at half past seven.",
    "Please keep to the stone mole when you come in",
    "after dark, until the wick has been replaced.",
    "Tide on Thursday: high water 05:40, 4.2 metres.",
    "Tide on Friday: high water 06:25, 4.0 metres.",
    "With kind regards,",
    "A. Brandt, harbour master",
]
