import pytest

from accounts.models import User
from marketplace.tests.world import World, build_world


@pytest.fixture
def world(buyer: User, freelancer: User, stranger: User, moderator: User) -> World:
    return build_world(buyer, freelancer, stranger, moderator)
