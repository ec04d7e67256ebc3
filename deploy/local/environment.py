"""What each process is told: one KEY=value file a part, readable by its owner only. All values are single lines."""

from collections.abc import Mapping
from pathlib import Path

from deploy.local import hsm
from deploy.local.home import Home, write_private
from deploy.local.keys import DATABASES, public_key
from deploy.local.part import FAKES, SERVICES
from deploy.local.state import CHECKPOINTS, DOCUMENTS, EXPORTS, State
from services.audit.cosignature import Cosigner
from services.audit.note import Signer
from services.wire.actor import private_key

STAFF_ISSUER = "gatehouse-staff"
AUDIT_ORIGIN = "gatehouse.local/audit"
WITNESS = "gatehouse.local/witness"
AUDIENCE = "gatehouse"
ROOT_ADMINS = ("root-admin-1", "root-admin-2")

Settings = dict[str, str]


def write_all(home: Home, state: State) -> None:
    """The settings of every part, and the allowlist of root admins if there is none yet."""
    for part in (*SERVICES, *FAKES):
        write_private(home.settings(part), _lines(of(part, home, state)))
    allowlist = home.etc / "root_admin_subjects"
    if not allowlist.exists():
        write_private(allowlist, "".join(f"{subject}\n" for subject in ROOT_ADMINS))


def of(part: str, home: Home, state: State) -> Settings:
    """The settings of one part by name."""
    match part:
        case "partners":
            own = _partners(home, state)
        case "mint":
            shared = of("partners", home, state)
            del shared["GATEHOUSE_PERSONAL_MASTER_KEY"]  # it reads no person
            return shared | _mint(home, state)
        case "staffing":
            own = _staffing(home, state)
        case "audit":
            own = _audit(state)
        case "gateway":
            own = _gateway(home, state)
        case "witness":
            return _process(part, state) | _witness(home, state)
        case "oidc":
            return _oidc(home, state)
        case "sms":
            return _sms(home, state)
        case "swap" | "scim" | "pager":
            return _outside(part, home, state)
        case _:
            raise KeyError(part)
    return _every_service(part, state) | _database(part, state) | own


def root_admins(home: Home) -> list[str]:
    """The subjects on the allowlist."""
    return (home.etc / "root_admin_subjects").read_text(encoding="utf-8").split()


def _every_service(service: str, state: State) -> Settings:
    broker = {f"GATEHOUSE_KAFKA_{key.upper()}": value for key, value in state.kafka(service).items()}
    return broker | _process(service, state)


def _process(name: str, state: State) -> Settings:
    return {
        "GATEHOUSE_ENV": "development",
        "GATEHOUSE_GENERATED_SECRETS": "true",
        "GATEHOUSE_SERVICE": name,
        "GATEHOUSE_INSTANCE": "0",
        "GATEHOUSE_HTTP_PORT": str(state.ports[name]),
    }


def _database(service: str, state: State) -> Settings:
    if service not in DATABASES:
        return {}
    return {
        "GATEHOUSE_DATABASE_URL": state.dsn(service, driver="postgresql+asyncpg"),
        "GATEHOUSE_ACTOR_PUBLIC_KEY": public_key(state.secrets["actor_signing_key"]),
    }


def _partners(home: Home, state: State) -> Settings:
    return (
        _exports(state, "partners")
        | _people(home, state)
        | {
            "OTC_S3_BUCKET": DOCUMENTS,
            "GATEHOUSE_PERSONAL_MASTER_KEY": state.secrets["partners_master_key"],
            "GATEHOUSE_SCIM_URL": f"{state.url('scim')}/scim/v2",
            "GATEHOUSE_SCIM_TOKEN": state.secrets["scim_token"],
            "OTC_PAGER_LEVEL_1": _page_url(state, "duty"),
            "OTC_PAGER_LEVEL_2": _page_url(state, "escalation"),
        }
    )


def _page_url(state: State, target: str) -> str:
    """Somebody at the fake pager, as apprise names them."""
    token = state.secrets["pager_token"]
    return f"json://{state.address('pager')}/v1/pages/{target}?+Authorization=Bearer%20{token}"


def _staffing(home: Home, state: State) -> Settings:
    return (
        _exports(state, "staffing")
        | _people(home, state)
        | {
            "GATEHOUSE_SMS_URL": state.url("sms"),
            "GATEHOUSE_SMS_TOKEN": state.secrets["sms_token"],
            "GATEHOUSE_STAFF_SIGNING_KEY": state.secrets["staff_signing_key"],
            "GATEHOUSE_STAFF_ISSUER": STAFF_ISSUER,
            "GATEHOUSE_CREDENTIAL_KEY": state.secrets["credential_key"],
            "GATEHOUSE_OTP_PEPPER": state.secrets["otp_pepper"],
            "GATEHOUSE_PERSONAL_MASTER_KEY": state.secrets["staffing_master_key"],
            **_generous_caps(),
        }
    )


def _generous_caps() -> Settings:
    """Everybody here comes from 127.0.0.1, and nobody's telephone rings."""
    scopes = ("PHONE", "IP", "TENANT", "COUNTRY")
    return {
        "GATEHOUSE_OTP_COOLDOWN_SECONDS": "0",
        **{f"GATEHOUSE_OTP_HOURLY_PER_{scope}": "1000000" for scope in scopes},
    }


def _audit(state: State) -> Settings:
    return _exports(state, "audit_service") | {
        "GATEHOUSE_CHECKPOINT_BUCKET": CHECKPOINTS,
        "GATEHOUSE_AUDIT_ORIGIN": AUDIT_ORIGIN,
        "GATEHOUSE_PERSONAL_MASTER_KEY": state.secrets["audit_master_key"],
        "GATEHOUSE_AUDIT_SIGNING_KEY": state.secrets["audit_signing_key"],
        "GATEHOUSE_RETENTION_DATABASE_URL": state.dsn("audit_retention", driver="postgresql+asyncpg"),
        "GATEHOUSE_WITNESS_URL": state.url("witness"),
        "GATEHOUSE_WITNESS_KEY": Cosigner(WITNESS, private_key(state.secrets["witness_signing_key"])).verifier.vkey(),
    }


def _witness(home: Home, state: State) -> Settings:
    """Its own key, the log's public one, its own directory: no database, no broker, nobody's password."""
    return {
        "GATEHOUSE_WITNESS_NAME": WITNESS,
        "GATEHOUSE_WITNESS_SIGNING_KEY": state.secrets["witness_signing_key"],
        "GATEHOUSE_WITNESS_LOG_KEY": Signer(
            AUDIT_ORIGIN, private_key(state.secrets["audit_signing_key"])
        ).verifier.vkey(),
        "GATEHOUSE_WITNESS_DIRECTORY": str(home.data("witness") / "memory"),
    }


def _mint(home: Home, state: State) -> Settings:
    return hsm.prepare(home, state.secrets["hsm_pin"]) | {
        "GATEHOUSE_HTTP_PORT": str(state.ports["mint"]),
        "GATEHOUSE_SWAP_URL": f"{state.url('swap')}/rpc",
        "GATEHOUSE_SWAP_TOKEN": state.secrets["swap_token"],
    }


def _gateway(home: Home, state: State) -> Settings:
    return {
        "GATEHOUSE_ACTOR_SIGNING_KEY": state.secrets["actor_signing_key"],
        "GATEHOUSE_OIDC_ISSUER": state.url("oidc"),
        "GATEHOUSE_OIDC_AUDIENCE": AUDIENCE,
        "GATEHOUSE_STAFF_ISSUER": STAFF_ISSUER,
        "GATEHOUSE_STAFF_PUBLIC_KEY": public_key(state.secrets["staff_signing_key"]),
        "GATEHOUSE_CREDENTIAL_KEY": state.secrets["credential_key"],
        "GATEHOUSE_AUDIT_PUBLIC_KEY": public_key(state.secrets["audit_signing_key"]),
        "GATEHOUSE_VOUCHER_KEY_FILE": str(voucher_key(home)),
        # benches and demos call as few people and from one address; bad tokens are limited here too
        "GATEHOUSE_CALLS_PER_SECOND": "0",
        "GATEHOUSE_ANONYMOUS_CALLS_PER_SECOND": "0",
    }


def _exports(state: State, signer: str) -> Settings:
    return _s3(state) | {
        "GATEHOUSE_SERVICE_SIGNING_KEY": state.secrets[f"{signer}_signing_key"],
        "GATEHOUSE_EXPORT_BUCKET": EXPORTS,
    }


def _s3(state: State) -> Settings:
    return {
        "GATEHOUSE_S3_ENDPOINT": state.url("s3"),
        "GATEHOUSE_S3_ACCESS_KEY": state.secrets["s3_access_key"],
        "GATEHOUSE_S3_SECRET_KEY": state.secrets["s3_secret_key"],
    }


def _people(home: Home, state: State) -> Settings:
    return {
        "OTC_ROOT_ADMIN_SUBJECTS_FILE": str(home.etc / "root_admin_subjects"),
        "GATEHOUSE_OIDC_ISSUER": state.url("oidc"),
    }


def _oidc(home: Home, state: State) -> Settings:
    return {
        "GATEHOUSE_HTTP_PORT": str(state.ports["oidc"]),
        "GATEHOUSE_OIDC_ISSUER": state.url("oidc"),
        "GATEHOUSE_OIDC_CLIENT_SECRET": state.secrets["oidc_client_secret"],
        "GATEHOUSE_OIDC_ROTATE_SECRET": state.secrets["oidc_rotate_secret"],
        "GATEHOUSE_OIDC_KEYS": str(home.data("oidc") / "keys.json"),
    }


def _sms(home: Home, state: State) -> Settings:
    return {
        "GATEHOUSE_HTTP_PORT": str(state.ports["sms"]),
        "GATEHOUSE_SMS_TOKEN": state.secrets["sms_token"],
        "GATEHOUSE_SMS_DATABASE": str(home.data("sms") / "messages.sqlite"),
    }


def _outside(part: str, home: Home, state: State) -> Settings:
    """What every fake with one token and one database is told."""
    own = {
        "GATEHOUSE_HTTP_PORT": str(state.ports[part]),
        f"GATEHOUSE_{part.upper()}_TOKEN": state.secrets[f"{part}_token"],
        f"GATEHOUSE_{part.upper()}_DATABASE": str(home.data(part) / f"{part}.sqlite"),
    }
    return own | ({"GATEHOUSE_SWAP_VOUCHER_KEY_FILE": str(voucher_key(home))} if part == "swap" else {})


def voucher_key(home: Home) -> Path:
    """The public half of the key that signs vouchers, as a JWK: the swap node believes whoever writes it."""
    return home.etc / "voucher_key.json"


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in sorted(settings.items()))
