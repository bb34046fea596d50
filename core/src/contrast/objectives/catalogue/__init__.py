"""The core's objectives: settings, form read, needs and cost, a page a family. Imports no torch.

Any recipe whose form fits may choose one by name, `objective=infonce`.
"""

from contrast.objectives.catalogue.hardness import HARDNESS
from contrast.objectives.catalogue.lists import LISTS
from contrast.objectives.catalogue.pairs import PAIRS
from contrast.objectives.catalogue.supervised import SUPERVISED
from contrast.objectives.catalogue.tracked import TRACKED
from contrast.objectives.catalogue.views import VIEWS
from contrast.recipe import ObjectivePart

CATALOGUE: tuple[ObjectivePart, ...] = (
    *PAIRS,
    *VIEWS,
    *HARDNESS,
    *TRACKED,
    *SUPERVISED,
    *LISTS,
)
