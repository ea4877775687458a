"""Secrets of every kind that are none: drawn from fixed seeds, so that no file holds one."""

import base64
import json
import random
import string
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"


def drawn(n: int, alphabet: str = ALNUM) -> str:
    """``n`` characters, always the same."""
    return "".join(random.Random(n).choices(alphabet, k=n))


def dumped(**fields: object) -> str:
    """Arguments as instrumentations write them."""
    return json.dumps(fields)


TOKENS = {
    "aws": "AKIA" + drawn(16, UPPER),
    "anthropic": "sk-ant-api03-" + drawn(93) + "AA",
    "github": "ghp_" + drawn(36),
    "github_fine_grained": "github_pat_" + drawn(82),
    "gitlab": "glpat-" + drawn(20),
    "google": "AIza" + drawn(35),
    "hugging_face": "hf_" + drawn(34, string.ascii_letters),
    "jwt": ".".join(
        (
            base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("="),
            base64.urlsafe_b64encode(b'{"sub":"1234567890","n":1}').decode().rstrip("="),
            drawn(43),
        )
    ),
    "npm": "npm_" + drawn(36, string.ascii_lowercase + string.digits),
    "openai": "sk-" + drawn(20) + "T3BlbkFJ" + drawn(20),
    "openai_project": "sk-proj-" + drawn(74) + "T3BlbkFJ" + drawn(74),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + drawn(60),
    "sendgrid": "SG." + drawn(66),
    "slack": f"xoxb-{drawn(12, '123456789')}-{drawn(12, '123456789')}-{drawn(24)}",
    "stripe": "sk_live_" + drawn(24),
}
"""Known by their form, wherever they stand."""

PASSWORD = "hunter2secret"
SYMBOLS = "$tr0ng!p#w"
SECRET = drawn(40)
KEY_BODY = drawn(64)
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----\n"


@dataclass(frozen=True)
class Placed:
    """A secret that is known by its place."""

    text: str
    secret: str = PASSWORD


PLACED = {
    "json": Placed(dumped(user="bob", password=PASSWORD)),
    "json_after_an_example": Placed(dumped(url="https://example.com", password=PASSWORD)),
    "json_short": Placed(dumped(password="hunter2"), "hunter2"),
    "json_symbols": Placed(dumped(password=SYMBOLS), SYMBOLS),
    "json_quote": Placed(dumped(password='ab"cdefgh'), "cdefgh"),
    "json_number": Placed(dumped(password=92837465), "92837465"),
    "json_camel_case": Placed(dumped(dbPassword=PASSWORD)),
    "json_second": Placed(dumped(password="firstpw1", password2=PASSWORD)),
    "json_in_json": Placed(dumped(body=json.dumps({"password": PASSWORD}))),
    "json_in_json_in_json": Placed(dumped(a=json.dumps({"b": json.dumps({"password": PASSWORD})}))),
    "json_cut": Placed(dumped(password=PASSWORD)[:-6], PASSWORD[:-4]),
    "python": Placed(repr({"password": PASSWORD})),
    "api_key": Placed(dumped(api_key=SECRET), SECRET),
    "api_key_header": Placed(dumped(headers={"X-API-Key": SECRET}), SECRET),
    "aws_secret": Placed(dumped(aws_secret_access_key=SECRET), SECRET),
    "access_token": Placed(dumped(access_token=SECRET), SECRET),
    "client_secret": Placed(dumped(client_secret=SYMBOLS), SYMBOLS),
    "bearer": Placed(dumped(headers={"Authorization": f"Bearer {SECRET}"}), SECRET),
    "bearer_in_a_command": Placed(dumped(c=f"curl -H 'Authorization: Bearer {SECRET}' x"), SECRET),
    "bearer_alone": Placed(f"sent Bearer {SECRET}, got 401", SECRET),
    "basic": Placed(f"Authorization: Basic {SECRET}", SECRET),
    "cookie": Placed(f"Set-Cookie: {SECRET}; Path=/", SECRET),
    "plain": Placed(f"login failed: password={PASSWORD} for user bob"),
    "yaml": Placed(f"user: bob\npassword: {PASSWORD}\n"),
    "flag": Placed(dumped(command=f"mysql --password={PASSWORD} -e 'select 1'")),
    "flag_apart": Placed(dumped(command=f"login --db-password {PASSWORD} --user bob")),
    "variable": Placed(dumped(command=f"DB_PASSWORD={PASSWORD} ./run.sh")),
    "query": Placed(f"GET https://api.example.com/?token={SECRET}&x=1", SECRET),
    "url": Placed(dumped(dsn=f"postgres://app:{PASSWORD}@db.internal:5432/app")),
    "curl": Placed(dumped(command=f"curl -s -u bob:{PASSWORD} https://api.example.com")),
    "private_key": Placed(PRIVATE_KEY, KEY_BODY),
    "private_key_in_json": Placed(dumped(content=PRIVATE_KEY), KEY_BODY),
    "private_key_cut": Placed(PRIVATE_KEY[:80], KEY_BODY[:40]),
}

ORDINARY = (
    dumped(order_id="#W2611340"),
    dumped(id="4bf92f3577b34da6a3ce929d0e0e4736"),
    dumped(id="550e8400-e29b-41d4-a716-446655440000"),
    dumped(commit="da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    dumped(data=base64.b64encode(b"nothing to be hidden in here").decode()),
    dumped(path="/srv/project/src/auth/token_store.py"),
    dumped(pattern="def password_reset|api_key", path="src"),
    dumped(author="Jane_Doe_Smith", key="customer_name"),
    dumped(content="import hashlib\ntoken = get_token(user)\n"),
    dumped(content='apiKey := os.Getenv("API_KEY")'),
    dumped(query="how do I reset my password"),
    dumped(key="reservation_id", value="ABC123", primary_key="user_id", sort_key="created_at"),
    dumped(max_tokens=4096, tokens="all", next_page_token="c2Vjb25k"),
    dumped(command="grep -rn 'password' src/ | head"),
    dumped(command="docker run -e DB_PASSWORD=$DB_PASSWORD app"),
    dumped(payment_id="credit_card_7434821"),
    dumped(password=None, secret=True),
    dumped(command="git log --author=someone@corp.com --since=2024-01-01"),
    "http://localhost:8080/a@b",
    "KeyError: 'reservation_identifier'",
    "AssertionError: Decimal('0.25') != Decimal('0.26')",
)
"""What tools are called with every day, and what they say when they fail."""
