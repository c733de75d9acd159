"""Account numbers at rest: what stands in the table, who can read it, how a new key takes over."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from marketplace.encryption import EncryptedTextField, UnreadableText, decrypt, encrypt, hide, mask
from marketplace.management.commands import rotate_encryption
from marketplace.management.commands.rotate_encryption import encrypted_columns, rotate
from orders.models import PayoutAccount

IBAN = "DE89370400440532013000"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

with isolate_apps("marketplace"):

    class Secret(models.Model):
        """A table of these tests alone."""

        id = models.IntegerField(primary_key=True)
        account = EncryptedTextField(blank=True, null=True)

        class Meta:
            app_label = "marketplace"


@pytest.fixture
def table(db: None) -> None:
    with connection.cursor() as cursor:  # within the test's transaction, so it is gone with it
        cursor.execute("CREATE TABLE marketplace_secret (id integer PRIMARY KEY, account text NULL)")


def stored(pk: int = 1) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT account FROM marketplace_secret WHERE id = %s", [pk])
        return cursor.fetchone()[0]


@pytest.mark.usefixtures("table")
class TestTheColumn:
    def test_the_table_holds_a_token_and_the_row_the_text(self):
        Secret.objects.create(id=1, account=IBAN)
        assert stored().startswith("gAAAAA")
        assert IBAN not in stored()
        assert Secret.objects.get().account == IBAN
        assert list(Secret.objects.values_list("account", flat=True)) == [IBAN]

    def test_the_same_text_never_looks_the_same_twice(self):
        Secret.objects.bulk_create([Secret(id=1, account=IBAN), Secret(id=2, account=IBAN)])
        assert stored(1) != stored(2)
        assert [row.account for row in Secret.objects.order_by("pk")] == [IBAN, IBAN]

    @pytest.mark.parametrize("account", ["", None])
    def test_nothing_stays_nothing(self, account):
        Secret.objects.create(id=1, account=account)
        assert stored() == account
        assert Secret.objects.get().account == account

    @pytest.mark.parametrize("account", ["00ß", "Ünïcödé ✓ مرحبا", "x" * 20_000, " spaces kept ", "gAAAAA looks like a token"])
    def test_any_text_comes_back_as_it_was(self, account):
        Secret.objects.create(id=1, account=account)
        assert Secret.objects.get().account == account

    def test_every_way_to_write_encrypts(self):
        row = Secret.objects.create(id=1, account="first")
        Secret.objects.update(account="second")
        assert (stored().startswith("gAAAAA"), Secret.objects.get().account) == (True, "second")
        row.account = "third"
        Secret.objects.bulk_update([row], ["account"])
        assert (stored().startswith("gAAAAA"), Secret.objects.get().account) == (True, "third")

    @pytest.mark.parametrize("lookup", ["account", "account__exact", "account__icontains", "account__in", "account__x"])
    def test_a_search_in_it_is_refused_in_words(self, lookup):
        with pytest.raises(FieldError, match=r"account is encrypted and cannot be looked up"):
            Secret.objects.filter(**{lookup: [IBAN]}).exists()

    def test_whether_there_is_one_can_be_asked(self):
        Secret.objects.bulk_create([Secret(id=1, account=IBAN), Secret(id=2)])
        assert [row.pk for row in Secret.objects.filter(account__isnull=True)] == [2]

    def test_without_the_key_it_is_an_error_and_never_another_text(self, settings):
        settings.ENCRYPTION_KEYS = [OLD]
        Secret.objects.create(id=1, account=IBAN)
        settings.ENCRYPTION_KEYS = [NEW]
        with pytest.raises(UnreadableText, match="ENCRYPTION_KEYS"):
            Secret.objects.get()

    def test_a_token_somebody_touched_is_an_error(self):
        Secret.objects.create(id=1, account=IBAN)
        flipped = stored()[:-6] + ("A" if stored()[-6] != "A" else "B") + stored()[-5:]
        with connection.cursor() as cursor:
            cursor.execute("UPDATE marketplace_secret SET account = %s", [flipped])
        with pytest.raises(UnreadableText):
            Secret.objects.get()


@pytest.mark.usefixtures("table")
class TestANewKey:
    @pytest.fixture(autouse=True)
    def written_under_the_old_key(self, settings, table: None, monkeypatch):
        monkeypatch.setattr(rotate_encryption, "BATCH", 3)
        settings.ENCRYPTION_KEYS = [OLD]
        Secret.objects.bulk_create(Secret(id=pk, account=f"account {pk}") for pk in range(1, 8))
        Secret.objects.bulk_create([Secret(id=8, account=""), Secret(id=9, account=None)])

    def test_an_older_key_reads_and_the_newest_writes(self, settings):
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        row = Secret.objects.get(pk=1)
        assert row.account == "account 1"
        row.save()
        settings.ENCRYPTION_KEYS = [NEW]
        assert Secret.objects.get(pk=1).account == "account 1"

    def test_the_command_brings_all_under_the_newest_and_a_second_run_changes_nothing(self, settings):
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        assert rotate(Secret, "account") == 7
        tokens = [stored(pk) for pk in range(1, 10)]
        assert rotate(Secret, "account") == 0
        assert [stored(pk) for pk in range(1, 10)] == tokens
        settings.ENCRYPTION_KEYS = [NEW]
        accounts = [f"account {pk}" for pk in range(1, 8)]
        assert [row.account for row in Secret.objects.order_by("pk")] == [*accounts, "", None]

    def test_one_that_was_interrupted_finishes_the_rest(self, settings):
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        Secret.objects.filter(pk__lte=4).update(account="done already")
        assert rotate(Secret, "account") == 3

    def test_a_key_taken_away_too_early_stops_it_before_anything_is_lost(self, settings):
        before = [stored(pk) for pk in range(1, 8)]
        settings.ENCRYPTION_KEYS = [NEW]
        with pytest.raises(UnreadableText):
            rotate(Secret, "account")
        assert [stored(pk) for pk in range(1, 8)] == before


def test_every_encrypted_column_of_the_site_is_found():
    assert (PayoutAccount, "account") in list(encrypted_columns())


@pytest.mark.django_db
def test_the_command_says_what_it_did_with_each_column():
    out = StringIO()
    call_command("rotate_encryption", stdout=out)
    assert "orders.PayoutAccount.account: 0 encrypted anew" in out.getvalue()


def test_a_token_is_read_with_any_of_the_keys(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    token = encrypt("text")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert decrypt(token) == "text"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (IBAN, "DE•• •••• 3000"),
        ("de89 3704 0044 0532 0130 00", "DE•• •••• 3000"),
        ("GB33-BUKB-2020-1555-5555-55", "GB•• •••• 5555"),
        ("+254 700 123 456", "•••• 3456"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "•••• 5mdq"),
        ("12345678", "•••• 5678"),
        ("1234567", "••••"),
        ("12 34 56", "••••"),
        ("", "••••"),
    ],
)
def test_a_masked_account_can_be_known_again_and_not_used(text, shown):
    assert mask(text) == shown


def test_what_is_hidden_tells_nothing():
    assert {hide(""), hide("x"), hide("a long password hash")} == {"••••"}
