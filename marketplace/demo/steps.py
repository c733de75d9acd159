"""The steps a script may name: methods of `Deal`, and the functions of `bargains` and `quarrels`."""

from marketplace.demo import bargains, quarrels
from marketplace.demo.deals import Deal


def take(deal: Deal, step: str) -> None:
    """Take the step of this name now, by the world's clock."""
    if step == "place":
        deal.place()
        deal.world.banked.setdefault(deal.plan.words.get("banked", ""), []).append((deal.order, deal.payer))
        return
    deal.look_again()
    if hasattr(deal, step):
        getattr(deal, step)()
        return
    getattr(bargains if hasattr(bargains, step) else quarrels, step)(deal)
