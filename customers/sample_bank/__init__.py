"""A bank whose truth is known to the last probability: for demos, for tests, and to hold every claim against.

``create`` writes branches, staff, products, customers and months of history through COPY, and the truth about them into
schema ``truth``, which the application's role cannot read. Only simulations may import this package: the management
commands ``sample_bank``, ``demo`` and ``loop``, ``campaigns/simulation.py``, tests and benches.

A round of the closed loop
--------------------------
::

    bank = sample_bank.load()                            # or create(...)
    day = bank.as_of + timedelta(days=1)                 # assign and push on this day; the 60 days run from it
    law, traits = sample_bank.law(), sample_bank.traits()

    # 1. the product selects, draws control and pushes leads; per lead worked, in queue order and within capacity:
    who = customer_ids - 1                               # positions: customer id − 1
    reached = people.reached(law, traits, who, "phone", days, hours)      # days: day numbers since 1970
    truth = sample_bank.probabilities(bank, "fund")      # will_buy_if_reached decides what a reached customer says
    said = people.answer(law, who, days, reached, truth["will_buy_if_reached"][who])
    entered = people.typed(law, rm_ids, who, days, said)  # 5 % wrong, 10 % forgotten: enter it through the product

    # 2. everybody buys or does not, and two months pass
    bank = sample_bank.advance(bank, to=month_end, treated=[sample_bank.Assigned(
        campaign_code, "fund", customer_id, is_control, reached, contacted_on, rm_id, arm, channel)]).bank

    # 3. the product attributes and evaluates; the truth to compare with:
    sample_bank.true_effect(campaign_code)               # .effect is the ITT effect, .realised_effect that of the draw

Planted facts
-------------
- Six segments that answer contacts differently; pensioners pushed to loans buy less (sleeping dogs).
- A contact about ``insurance`` has exactly no effect. Arm ``B`` of ``credit_card`` does harm. An arm is known to the
  world by the last letter of its code.
- Tastes and effects drift from month 18 on; a competitor takes price-sensitive savers from month 20 on.
- Each customer has one uniform draw per product and round: treated and untreated outcomes are coupled, so a campaign
  changes only those whom the contact moves. Draws are hashes of seed, purpose, customer and day: their order is free.
- One campaign per product and round counts for a customer; where two reach the same one, the earlier contact does.
"""

from customers.sample_bank import people
from customers.sample_bank.bank import Bank, NotEmpty, law, load
from customers.sample_bank.creation import create
from customers.sample_bank.effects import TrueEffect, probabilities, true_effect
from customers.sample_bank.life import Advanced, Assigned, advance
from customers.sample_bank.loading import empty
from customers.sample_bank.truth import traits
from customers.sample_bank.world import MARKETED, Traits, World

__all__ = [
    "MARKETED",
    "Advanced",
    "Assigned",
    "Bank",
    "NotEmpty",
    "Traits",
    "TrueEffect",
    "World",
    "advance",
    "create",
    "empty",
    "law",
    "load",
    "people",
    "probabilities",
    "traits",
    "true_effect",
]
