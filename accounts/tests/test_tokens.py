"""A token opens the door only for the active person it was made for, and every refusal sounds the same."""

import base64
import json
import uuid
from datetime import datetime, timedelta

import jwt
import pytest
import time_machine
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from accounts.models import AuthSession, User
from accounts.services import revoke_session, sign_in
from accounts.tests.test_sign_in import PASSWORD
from accounts.tokens import InvalidToken, Verified, make_jwt, verify, verify_jwt
from marketplace.tests.test_settings import SECRET, python

NEW, OLD = "n" * 32, "o" * 32


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.JWT_SECRETS = [NEW, OLD]


def signed(claims, *, secret=NEW, algorithm="HS256"):
    return jwt.encode(claims, secret, algorithm=algorithm)


def claims_for(user, **change):
    now = timezone.now()
    claims = {"sub": str(user.pk), "iat": now, "exp": now + timedelta(minutes=5), **change}
    return {name: value for name, value in claims.items() if value is not None}


def test_the_newest_secret_signs_and_every_one_verifies(buyer):
    token = make_jwt(buyer)
    assert jwt.decode(token, NEW, algorithms=["HS256"])["sub"] == str(buyer.pk)
    assert verify_jwt(token) == verify_jwt(signed(claims_for(buyer), secret=OLD)) == buyer


def test_a_token_lasts_a_quarter_of_an_hour_and_half_a_minute_of_doubt(buyer):
    token = make_jwt(buyer)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=25), tick=False):
        assert verify_jwt(token) == buyer
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=35), tick=False), pytest.raises(InvalidToken):
        verify_jwt(token)


def test_a_clock_that_is_a_little_ahead_does_no_harm(buyer):
    assert verify_jwt(signed(claims_for(buyer, iat=timezone.now() + timedelta(seconds=25)))) == buyer


WRONG_CLAIMS = {
    "out of date": {"exp": 1_000_000_000},
    "from the future": {"iat": 9_999_999_999},
    "not yet good": {"nbf": 9_999_999_999},
    "without an end": {"exp": None},
    "without a beginning": {"iat": None},
    "without a person": {"sub": None},
    "of a person who is not there": {"sub": str(uuid.uuid4())},
    "of no person": {"sub": "admin"},
    "of a person by a number": {"sub": 1},
    "of a person by their address": {"sub": None, "email": "amara@example.com"},
    "with an end that is none": {"exp": "soon"},
    "with an end of another type": {"exp": [1]},
    "with a beginning of another type": {"iat": {}},
    "with a beginning without end": {"iat": float("inf")},
    "with a beginning that is no number": {"iat": float("nan")},
    "of a session that is not there": {"sid": str(uuid.uuid4())},
    "of no session": {"sid": "x"},
    "of an empty session": {"sid": ""},
    "of a session of another type": {"sid": 7},
    "for another audience": {"aud": "elsewhere"},
}


@pytest.mark.parametrize("change", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_refused(buyer, change):
    with pytest.raises(InvalidToken):
        verify_jwt(_raw(claims_for(buyer, **change)))


def _raw(claims):
    """Signed well whatever the claims are: PyJWT itself would not write some of them."""
    plain = {name: int(value.timestamp()) if isinstance(value, datetime) else value for name, value in claims.items()}
    return jwt.api_jws.encode(json.dumps(plain).encode(), NEW, algorithm="HS256")


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_that_is_signed_by_nobody_or_by_others_is_refused(buyer):
    claims = claims_for(buyer)
    good = signed(claims)
    head, body, signature = good.split(".")
    other_body = signed(claims_for(buyer, sub=str(uuid.uuid4()))).split(".")[1]
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    bad = {
        "another secret": signed(claims, secret="x" * 32),
        "no algorithm": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "no algorithm, with the signature": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}",
        "another HMAC": signed(claims, secret=NEW * 2, algorithm="HS512"),
        "a public key": signed(claims, secret=pem, algorithm="RS256"),
        "another body": f"{head}.{other_body}.{signature}",
        "no signature": f"{head}.{body}.",
        "half a signature": good[:-10],
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "nothing": "",
        "dots": "..",
        "no base64": "ä.ö.ü",
        "half a character": "\ud800.a.b",
        "much": "a" * 100_000,
        "no claims": f"{head}.{_part([])}.{signature}",
    }
    sounds = set()
    for name, token in bad.items():
        with pytest.raises(InvalidToken) as refusal:
            assert not verify_jwt(token), name
        sounds.add((refusal.value.message, refusal.value.code))
    assert len(sounds) == 1
    assert verify_jwt(good) == buyer


def test_a_closed_account_has_no_token(buyer):
    token = make_jwt(buyer)
    buyer.is_active = False
    buyer.save()
    with pytest.raises(InvalidToken):
        verify_jwt(token)


def test_audience_and_issuer_are_asked_for_where_they_are_set(buyer, settings):
    settings.JWT_AUDIENCE, settings.JWT_ISSUER = "market", "https://sign.example.com"
    assert verify_jwt(make_jwt(buyer)) == buyer
    right = {"aud": "market", "iss": "https://sign.example.com"}
    assert verify_jwt(signed(claims_for(buyer, **right))) == buyer
    for wrong in ({"aud": "other"}, {"iss": "https://other.example.com"}, {"aud": None}, {"iss": None}):
        with pytest.raises(InvalidToken):
            verify_jwt(signed(claims_for(buyer, **{**right, **wrong})))


# --- A sign-in of a program -----------------------------------------------------------------------------------------
@pytest.fixture
def session(buyer) -> AuthSession:
    return sign_in(email=buyer.email, password=PASSWORD).session


def test_a_token_of_a_session_ends_with_it(buyer, session):
    token = make_jwt(buyer, session=session)
    assert verify(token) == Verified(buyer, session.pk)
    assert verify(make_jwt(buyer)) == Verified(buyer, None)
    revoke_session(actor=buyer, session_id=session.pk)
    with pytest.raises(InvalidToken):
        verify(token)
    assert verify_jwt(make_jwt(buyer)) == buyer


def test_a_session_is_good_for_its_own_person_alone(buyer, freelancer, session):
    with pytest.raises(InvalidToken):
        verify(make_jwt(freelancer, session=session))


def test_a_session_that_has_run_out_has_no_token(buyer, session):
    token = make_jwt(buyer, session=session, lifetime=timedelta(days=40))
    with time_machine.travel(session.expires_at - timedelta(seconds=1), tick=False):
        assert verify_jwt(token) == buyer
    with time_machine.travel(session.expires_at, tick=False), pytest.raises(InvalidToken):
        verify_jwt(token)


def test_every_question_is_one_query(buyer, session, settings, django_assert_num_queries):
    settings.JWT_TRUST_EMAIL = True
    tokens = make_jwt(buyer), make_jwt(buyer, session=session), signed(claims_for(buyer, sub=None, email=buyer.email))
    for token in tokens:
        with django_assert_num_queries(1):
            assert verify(token).user == buyer


# --- Tokens of an outside front end ---------------------------------------------------------------------------------
def test_a_token_without_a_session_is_older_than_the_password_and_refused(buyer):
    with time_machine.travel("2026-03-01T12:00:00.7Z", tick=False) as now:
        buyer.set_password("plum orbit lantern")
        buyer.save()
        same_second = signed(claims_for(buyer))
        assert verify_jwt(same_second) == buyer
        with pytest.raises(InvalidToken):
            verify_jwt(signed(claims_for(buyer, iat=timezone.now() - timedelta(seconds=1))))
        now.shift(60)
        assert verify_jwt(same_second) == buyer
        User.objects.filter(pk=buyer.pk).update(password_changed_at=timezone.now())
        with pytest.raises(InvalidToken):
            verify_jwt(same_second)


def test_of_a_password_that_was_never_changed_every_token_is_young_enough(buyer):
    User.objects.filter(pk=buyer.pk).update(password_changed_at=None)
    assert verify_jwt(signed(claims_for(buyer, iat=timezone.now() - timedelta(days=1)))) == buyer


def by_email(user, email, **more):
    return signed(claims_for(user, sub=None, email=email, **more))


def test_an_address_names_a_person_only_where_it_is_trusted(buyer, settings):
    with pytest.raises(InvalidToken):
        verify_jwt(by_email(buyer, buyer.email))
    settings.JWT_TRUST_EMAIL = True
    assert verify(by_email(buyer, "AMARA@Example.com")) == Verified(buyer, None)


def test_only_a_proven_address_of_an_active_person_names_them(buyer, stranger, session, settings):
    settings.JWT_TRUST_EMAIL = True
    EmailAddress.objects.filter(user=stranger).update(verified=False)
    old = timezone.now() - timedelta(hours=1)
    bad = [
        by_email(buyer, stranger.email),
        by_email(buyer, "nobody@example.com"),
        by_email(buyer, "amara@example.com\x00"),
        by_email(buyer, ""),
        by_email(buyer, buyer.email, iat=old),
        by_email(buyer, buyer.email, sid=str(session.pk)),
        signed(claims_for(buyer, sub=str(uuid.uuid4()), email=buyer.email)),
        _raw(claims_for(buyer, sub=None, email=["amara@example.com"])),
    ]
    for token in bad:
        with pytest.raises(InvalidToken):
            verify_jwt(token)
    token = by_email(buyer, buyer.email)
    assert verify_jwt(token) == buyer
    User.objects.filter(pk=buyer.pk).update(is_active=False)
    with pytest.raises(InvalidToken):
        verify_jwt(token)


# --- The setting ----------------------------------------------------------------------------------------------------
@pytest.mark.once
def test_secrets_have_32_bytes_each(tmp_path):
    for secret in ("short", f"{NEW},short"):
        run = python("-c", "import marketplace.settings", folder=tmp_path, JWT_SECRET=secret)
        assert run.returncode == 1
        assert "JWT_SECRET has at least 32 bytes" in run.stderr


@pytest.mark.once
def test_without_a_secret_it_is_made_from_the_key_and_is_not_the_key(tmp_path):
    code = "import marketplace.settings as s; print(*s.JWT_SECRETS)"
    keys = {"SECRET_KEY": SECRET, "SECRET_KEY_FALLBACKS": f"{SECRET}-old"}
    one, old = python("-c", code, folder=tmp_path, **keys).stdout.split()
    (other,) = python("-c", code, folder=tmp_path, SECRET_KEY=f"{SECRET}-old").stdout.split()
    assert old == other
    assert len({one, old, SECRET}) == 3
    assert min(len(one), len(old)) >= 32
