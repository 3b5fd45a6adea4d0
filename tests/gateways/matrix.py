"""Every gateway with every misbehaving upstream, as pytest parameters. Two upstreams a gateway run always, the rest in
the lab."""

from itertools import product

import pytest

from tests.gateways import GATEWAYS
from tests.gateways.upstream import MISBEHAVIOURS

ALWAYS = ("refuses", "never-answers")

MATRIX = tuple(
    pytest.param(name, behaviour, marks=() if behaviour in ALWAYS else pytest.mark.lab, id=f"{name}-{behaviour}")
    for name, behaviour in product(GATEWAYS, MISBEHAVIOURS))
