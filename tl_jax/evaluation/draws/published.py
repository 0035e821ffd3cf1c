"""The published TL4DTI results on the transporter family, to stand beside ours. Facts only, no judgement.

Both tables are MCC on the transporter test set (1,594 compounds of a collection that is not ours) from the README of
cansyl/TransferLearning4DTI: the one of 2022 by source family, means only; the one of 2023 as mean and standard
deviation over draws, source family not stated. The best epoch on the test set was reported, so that they are somewhat
too high (the released code, setting 3). How many draws were made is not known.
"""

from __future__ import annotations

import pandas as pd

SOURCES = ("gpcr", "ionchannel", "kinase", "nuclearreceptor", "protease")
ARMS = ("scratch", "shallow", "mode1", "mode2", "mode3")
SIZES_2022 = (5, 35, 75, 395, 795, 1985, 3980)
# One row per source and arm, in the order of SOURCES and ARMS; "baseline" there is scratch here.
MCC_2022 = """
.160 .312 .329 .446 .510 .525 .531
.178 .321 .338 .459 .501 .520 .526
.298 .413 .420 .448 .467 .480 .516
.262 .405 .414 .437 .460 .477 .507
.118 .323 .376 .467 .505 .522 .527
.208 .338 .316 .449 .511 .527 .528
.139 .364 .348 .465 .499 .521 .530
.325 .373 .405 .471 .491 .513 .528
.307 .365 .391 .461 .492 .511 .523
.258 .382 .376 .465 .497 .521 .530
.129 .326 .315 .449 .511 .525 .532
.224 .315 .357 .462 .500 .515 .531
.358 .407 .415 .471 .487 .494 .516
.369 .407 .413 .466 .487 .493 .507
.233 .355 .397 .479 .507 .525 .528
.202 .343 .325 .451 .512 .526 .531
.242 .336 .346 .466 .498 .520 .523
.250 .346 .381 .455 .485 .496 .522
.254 .308 .359 .440 .472 .495 .518
.205 .342 .353 .459 .492 .517 .525
.183 .316 .325 .447 .510 .525 .531
.118 .328 .357 .464 .498 .520 .522
.291 .361 .404 .454 .478 .497 .515
.310 .340 .400 .449 .468 .491 .516
.170 .318 .379 .463 .497 .520 .523
"""
# Size, then mean and standard deviation of each arm in the order of ARMS.
MCC_2023 = """
2    .200 .122 .126 .168 .365 .023 .369 .023 .227 .124
6    .227 .109 .214 .130 .367 .029 .372 .027 .269 .098
12   .293 .082 .280 .080 .367 .032 .370 .029 .307 .062
48   .368 .025 .373 .041 .410 .033 .405 .031 .385 .035
96   .383 .017 .410 .031 .427 .030 .423 .028 .419 .027
400  .400 .008 .488 .019 .469 .015 .464 .015 .495 .016
1000 .481 .014 .517 .014 .494 .011 .489 .011 .523 .013
4000 .531 .005 .533 .008 .522 .010 .518 .008 .534 .011
"""


def published_2022() -> pd.DataFrame:
    """source, arm, size, mcc: 175 rows. The arms scratch and shallow were run anew for each source."""
    lines = [[float(value) for value in line.split()] for line in MCC_2022.strip().splitlines()]
    rows = [
        (source, arm, size, value)
        for (source, arm), line in zip([(s, a) for s in SOURCES for a in ARMS], lines, strict=True)
        for size, value in zip(SIZES_2022, line, strict=True)
    ]
    return pd.DataFrame(rows, columns=["source", "arm", "size", "mcc"])


def published_2023() -> pd.DataFrame:
    """arm, size, mcc, sd: 40 rows."""
    rows = []
    for line in MCC_2023.strip().splitlines():
        size, *values = line.split()
        pairs = zip(values[::2], values[1::2], strict=True)
        rows += [(arm, int(size), float(m), float(s)) for arm, (m, s) in zip(ARMS, pairs, strict=True)]
    return pd.DataFrame(rows, columns=["arm", "size", "mcc", "sd"])
