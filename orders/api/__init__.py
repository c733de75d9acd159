"""Orders for programs, a module per matter; marketplace/api.py mounts these routers."""

from orders.api import checking, deal, disputes, payouts, placing, proofs, reading
from orders.api.addresses import router

__all__ = ["checking", "deal", "placing", "proofs", "reading", "routers"]
routers = [router, disputes.router, payouts.router]
