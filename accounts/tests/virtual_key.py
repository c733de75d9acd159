"""A passkey as a browser once registered it on http://localhost:8000."""

from allauth.mfa.models import Authenticator

from accounts.models import User

_CLIENT_DATA = (
    "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiejM3VkRsUl9TNmlRdUtxcWU2NVNGekhtNGZ6X2pfb2pfcXZxSFBtUWRaWSIsIm9yaWdp"
    "biI6Imh0dHA6Ly9sb2NhbGhvc3Q6ODMyMiIsImNyb3NzT3JpZ2luIjpmYWxzZX0"
)
_ATTESTATION = (
    "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQECAwQFBgcIAQIDBAUGBwgAIBR8YMBH"
    "qePVxGP-T9JBRL3TD3m8RvWTY4-D2g7BWFRupQECAyYgASFYIOxkOJOX3me-A8MIWr4vJHhRCDYoNMRJH1SimgcAs86EIlggcjQ1NYnkRS-wTAuLSgRG_76_"
    "NLyxH_sNRMWE8LS_DIM"
)


def register_key(user: User, name: str = "My phone") -> Authenticator:
    answer = {
        "type": "public-key",
        "id": "FHxgwEep49XEY_5P0kFEvdMPebxG9ZNjj4PaDsFYVG4",
        "rawId": "FHxgwEep49XEY_5P0kFEvdMPebxG9ZNjj4PaDsFYVG4",
        "authenticatorAttachment": "platform",
        "response": {"clientDataJSON": _CLIENT_DATA, "attestationObject": _ATTESTATION, "transports": ["internal"]},
        "clientExtensionResults": {"credProps": {"rk": True}},
    }
    return Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name, "credential": answer})
