"""Shapes of secrets as recipes: the values are made at test time, so that no scanner finds a leak here.

One recipe a line: a name, and a text of which `«...»` is the secret. In a recipe `<W36>` stands for
36 letters and digits, `<h32>` for lower-case hex, `<U16>` for upper-case letters and digits, `<d12>`
for digits, `<l20>` for lower-case letters and digits, `<B43>` for the letters of base64, `<S43>` for
those of URL-safe base64, `<uuid>` for a UUID, `<b64:...>` for a text in base64.
"""

from __future__ import annotations

import base64
import json
import random
import re
import shlex
import string
import uuid
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

RECIPES = """
AWS access key id | «AKIA<U16>»
AWS temporary key id | aws_access_key_id=«ASIA<U16>»
AWS secret key | aws_secret_access_key = «<B40>»
AWS secret key in the environment | export AWS_SECRET_ACCESS_KEY=«<B40>»
AWS session token | AWS_SESSION_TOKEN=«<B120>==»
AWS Bedrock key | «ABSK<B110>»
AWS short Bedrock key | «bedrock-api-key-<B60>»
AWS MWS token | «amzn.mws.<uuid>»
AWS presigned address | https://b.s3.amazonaws.com/k?X-Amz-Date=2026&X-Amz-Signature=«<h64>»
Azure storage key | «<B86>==»
Azure storage connection | DefaultEndpointsProtocol=https;AccountName=lab;AccountKey=«<B86>==»;EndpointSuffix=core.windows.net
Azure shared access signature | https://lab.blob.core.windows.net/c?sv=2024-01-01&se=2026-01-01&sig=«<W42>%3D»
Azure signature alone | sig=«<W40>%2B<W2>%3D»
Azure Service Bus | Endpoint=sb://lab.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=«<B43>=»
Azure Event Hub | Endpoint=sb://lab.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=«<B33>+AEh<B7>=»
Azure Cosmos | AccountEndpoint=https://lab.documents.azure.com:443/;AccountKey=«<B86>==»;
Azure IoT Hub | HostName=lab.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=«<B43>=»
Azure App Configuration | Endpoint=https://lab.azconfig.io;Id=abcd;Secret=«<B43>=»
Azure client secret | «<W3>8Q~<W34>»
Azure client secret by name | AZURE_CLIENT_SECRET=«<W32>»
Azure container registry | «<W42>+ACR<W7>»
Azure function key | «<W42>AzFu<W8>==»
Azure search key | «<W42>AzSe<W6>»
Azure DevOps token | «<W76>AZDO<W4>»
Azure OpenAI key | api-key: «<h32>»
Azure OpenAI key, new | «<W52>JQQJ99<W26>»
Azure subscription key | Ocp-Apim-Subscription-Key: «<h32>»
Azure Logic App | https://x.logic.azure.com/workflows/a?api-version=2016&sp=%2Ftriggers&sv=1.0&sig=«<S43>»
Azure ML endpoint key | {"primaryKey": "«<W32>»"}
Google API key | «AIza<S35>»
Google OAuth token | «ya29.<S60>»
Google client secret | «GOCSPX-<S28>»
Google refresh token | «1//0<S60>»
Google service account | {"type": "service_account", "private_key": "«-----BEGIN PRIVATE KEY-----<n><B64><n><B64><n>-----END PRIVATE KEY-----»"}
Google signed address | https://storage.googleapis.com/b/o?X-Goog-Expires=9&X-Goog-Signature=«<h64>»
GitHub token | «ghp_<W36>»
GitHub OAuth token | «gho_<W36>»
GitHub user token | «ghu_<W36>»
GitHub server token | «ghs_<W36>»
GitHub refresh token | «ghr_<W36>»
GitHub fine-grained token | «github_pat_<W22>_<W59>»
GitHub header | Authorization: token «<h40>»
GitLab token | «glpat-<S20>»
GitLab routable token | «glpat-<S30>.01.<l9>»
GitLab deploy token | «gldt-<S20>»
GitLab runner token | «glrt-<S20>»
GitLab trigger token | «glptt-<h40>»
GitLab feed token | «glft-<S20>»
GitLab agent token | «glagent-<S50>»
GitLab registration token | «GR1348941<S20>»
GitLab header | PRIVATE-TOKEN: «<W20>1»
Bitbucket app password | «ATBB<W32>»
Atlassian token | «ATATT3<S180>»
Slack bot token | «xoxb-<d12>-<d12>-<W24>»
Slack user token | «xoxp-<d12>-<d12>-<d12>-<h32>»
Slack app token | «xapp-1-<U11>-<d13>-<h64>»
Slack configuration token | «xoxe.xoxp-1-<U160>»
Slack webhook | https://hooks.slack.com/«services/T<U8>/B<U10>/<W24>»
Discord bot token | M<S24>.«<S6>.<S30>»
Discord webhook | https://discord.com/api/webhooks/«<d18>/<S68>»
Teams webhook | https://lab.webhook.office.com/«webhookb2/<uuid>@<uuid>/IncomingWebhook/<h32>/<uuid>»
Telegram bot token | «<d9>:AA<S33>»
OpenAI key | «sk-<W20>T3BlbkFJ<W20>»
OpenAI project key | «sk-proj-<S74>»
OpenAI service key | «sk-svcacct-<S74>»
Anthropic key | «sk-ant-api03-<S93>AA»
OpenRouter key | «sk-or-v1-<h64>»
Langfuse key | «sk-lf-<uuid>»
LangSmith key | «lsv2_pt_<h32>_<h10>»
Hugging Face token | «hf_<W34>»
Hugging Face organisation | «api_org_<W34>»
Groq key | «gsk_<W52>»
Replicate token | «r8_<W37>»
Perplexity key | «pplx-<W48>»
xAI key | «xai-<W80>»
NVIDIA key | «nvapi-<S64>»
Cerebras key | «csk-<l48>»
Pinecone key | «pcsk_<W6>_<W63>»
Tavily key | «tvly-<W32>»
Jina key | «jina_<h32><S28>»
Firecrawl key | «fc-<h32>»
ElevenLabs key | «sk_<h48>»
RunPod key | «rpa_<U40>»
Cohere key | COHERE_API_KEY="«<W40>»"
Mistral key | mistral_api_key: «<W32>1»
Weights & Biases key | WANDB_API_KEY=«<h40>»
Weights & Biases, new key | «wandb_v1_<W60>»
Weights & Biases in .netrc | machine api.wandb.ai login user password «<h40>»
Neptune token | NEPTUNE_API_TOKEN=«eyJhcGlf<B90>==»
Comet key | comet_ml.init(api_key="«<W25>»")
Kaggle file | {"username":"me","key":"«<h32>»"}
Kaggle token | «KGAT_<h32>»
Databricks token | «dapi<h32>»
Databricks numbered token | «dapi<h32>-2»
Snowflake password | snowflake.connector.connect(user="me", password="«<W12>!x»")
npm token | «npm_<W36>»
.npmrc token | //registry.npmjs.org/:_authToken=«<uuid>»
.npmrc basic | _auth=«<b64:user:<W16>>»
PyPI token | «pypi-AgEIcHlwaS5vcmc<S80>»
.pypirc | password = «<W20>!a»
RubyGems key | «rubygems_<h48>»
NuGet key | «oy2<l43>»
Cargo token | «cio<W32>»
Docker token | «dckr_pat_<S27>»
Docker configuration | {"auths": {"x.io": {"auth": "«<b64:user:<W16>>»"}}}
Terraform Cloud token | «<W14>.atlasv1.<S67>»
Vault token | «hvs.<S95>»
Vault batch token | «hvb.<S140>»
Pulumi token | «pul-<h40>»
Doppler token | «dp.pt.<W43>»
Doppler service token | «dp.st.prd.<W43>»
DigitalOcean token | «dop_v1_<h64>»
Fly.io token | «fo1_<S43>»
Heroku key | «HRKU-AA<S58>»
Netlify token | «nfp_<W36>»
Supabase token | «sbp_<h40>»
PlanetScale token | «pscale_tkn_<S43>»
Cloudflare key | CLOUDFLARE_API_KEY=«<h37>»
Tailscale key | «tskey-auth-<W12>CNTRL-<W32>»
Stripe key | «sk_live_<W24>»
Stripe restricted key | «rk_live_<W24>»
Stripe webhook secret | «whsec_<W32>»
Square token | «sq0atp-<S22>»
Shopify token | «shpat_<h32>»
Plaid token | «access-production-<uuid>»
SendGrid key | «SG.<S22>.<S43>»
Mailgun key | «key-<h32>»
Mailchimp key | «<h32>-us12»
Brevo key | «xkeysib-<h64>-<W16>»
Twilio key | «SK<h32>»
Facebook token | «EAAC<W120>»
Twitter bearer | «AAAAAAAAAAAAAAAAAAAAA<W25>%3D<W50>»
Dropbox token | «sl.<S135>»
Notion token | «ntn_<d11><W35>»
Linear key | «lin_api_<W40>»
Figma token | «figd_<S40>»
Airtable token | «pat<W14>.<h64>»
Typeform token | «tfp_<S44>_<W14>»
HubSpot token | «pat-na1-<uuid>»
Postman key | «PMAK-<h24>-<h34>»
Grafana token | «glsa_<W32>_<h8>»
Grafana Cloud token | «glc_<B80>»
New Relic key | «NRAK-<U27>»
Datadog key | DD-API-KEY: «<h32>»
Sentry token | «sntryu_<h64>»
Sentry address | https://«<h32>»@o12345.ingest.sentry.io/678
Dynatrace token | «dt0c01.<U24>.<U64>»
SonarQube token | «squ_<h40>»
CircleCI token | «CCIPAT_<W22>_<h40>»
Buildkite token | «bkua_<h40>»
Snyk token | «snyk_uat.<h8>.<S60>»
JFrog key | «AKCp<W69>»
Octopus key | «API-<U26>»
Prefect key | «pnu_<W36>»
dbt Cloud token | «dbtc_<S40>»
Sourcegraph token | «sgp_<h40>»
Alibaba key | «LTAI<W20>»
Yandex key | «AQVN<S36>»
1Password token | «ops_eyJ<B260>»
1Password secret key | «A3-<U6>-<U6>-<U5>-<U5>-<U5>-<U5>»
LaunchDarkly key | «sdk-<uuid>»
OpenShift token | «sha256~<S43>»
age key | «AGE-SECRET-KEY-1<U58>»
JWT | «eyJ<S30>.eyJ<S60>.<S43>»
JWT without signature | «eyJ<S30>.eyJ<S60>.»
Encrypted JWT | «eyJ<S30>.<S40>.<S16>.<S60>.<S22>»
JSON web key | {"kty": "EC", "crv": "P-256", "d": "«<S43>»"}
RSA key | «-----BEGIN RSA PRIVATE KEY-----<n><B64><n><B64><n>-----END RSA PRIVATE KEY-----»
EC key | «-----BEGIN EC PRIVATE KEY-----<n><B64><n>-----END EC PRIVATE KEY-----»
OpenSSH key | «-----BEGIN OPENSSH PRIVATE KEY-----<n><B70><n>-----END OPENSSH PRIVATE KEY-----»
Encrypted key | «-----BEGIN ENCRYPTED PRIVATE KEY-----<n><B64><n>-----END ENCRYPTED PRIVATE KEY-----»
PGP key | «-----BEGIN PGP PRIVATE KEY BLOCK-----<n><n><B64><n>-----END PGP PRIVATE KEY BLOCK-----»
Key that was cut off | «-----BEGIN RSA PRIVATE KEY-----<n><B64><n><B30>»
PuTTY key | PuTTY-User-Key-File-3: ssh-rsa<n>Private-Lines: 2<n>«<B64><n><B40>»<n>Private-MAC: 00
kubeconfig key | client-key-data: «<B120>==»
kubeconfig token | token: «<W40>»
Kubernetes secret | DB_PASSWORD: «<b64:<W20>>»
PostgreSQL address | postgresql://me:«<W8>!<W8>»@db.example.org:5432/x
MySQL address | mysql+pymysql://root:«<W16>»@127.0.0.1/db
MongoDB address | mongodb+srv://me:«<W16>»@cluster0.example.net/?retryWrites=true
Redis address | redis://:«<W20>»@cache:6379/0
AMQP address | amqp://guest:«<W12>»@mq:5672/%2F
Password with an at sign | ftp://me:«p@<W12>»@files.example.org/x
Token in a git address | https://«<W40>»@github.com/x/y.git
Token as git password | https://oauth2:«<W40>»@example.org/x/y.git
ODBC connection | Driver={ODBC Driver 18};Server=tcp:x;Uid=me;Pwd=«<W16>»;Encrypt=yes
JDBC address | jdbc:sqlserver://x:1433;user=me;password=«<W16>»
.pgpass | db.example.org:5432:mydb:me:«<W16>»
.netrc | machine example.org login me password «<W16>»
.env password | DB_PASSWORD=«<W16>»
.env of letters only | DB_PASSWORD=«correcthorsebattery»
YAML of letters only | password: «correcthorsebattery»
Flask key | SECRET_KEY = '«<S32>»'
Django key | SECRET_KEY = 'django-insecure-«<W50>»'
Python keyword | client = Client(user="a", password="«<W12>»")
Python sentence | password = '«correct <W6>-<W8> battery»'
Python dictionary | {'api_key': '«<W24>'»}
Python item | os.environ["MY_API_KEY"] = "«<W24>»"
TOML | access_token = "«<W24>»"
JSON | {"client_secret": "«<W24>»"}
JSON camel case | {"refreshToken": "«<W24>»"}
XML element | <password>«<W14>»</password>
XML attribute | <add key="Password" value="«<W14>»" />
Command line flag | tool --api-key «<W24>» --verbose
Command line password | az login --service-principal -u app -p «<W24>» --tenant t
curl user | curl -u me:«<W16>» https://example.org
Basic header | Authorization: Basic «<b64:me:<W16>>»
Bearer header | Authorization: Bearer «<W39>1»
Bearer alone | sent Bearer «<W39>1» to the server
Bearer in curl | curl -H "Authorization: Bearer «<S39>1»" https://example.org
Okta header | Authorization: SSWS «00<S40>»
API key header | X-Api-Key: «<W31>1»
Cookie | Cookie: sessionid=«<W32>; csrftoken=<W32>»
Jupyter cookie | username-127-0-0-1-8888="«2|1:0|10:<d10>|23:x|<W30>»"
XSRF cookie | _xsrf=«2|<h8>|<h32>|<d10>»
Jupyter address | http://127.0.0.1:8888/lab?token=«<h48>»
Address with a key | https://api.example.org/v1?q=1&api_key=«<W32>»
Address with a code | https://login.example.org/callback?code=«<S60>»&state=1
Fragment of a sign in | https://example.org/#access_token=«<S60>»&expires_in=3600
OAuth body | grant_type=refresh_token&refresh_token=«<S60>»&client_id=x
Our endpoint's token | curl -H "Authorization: Bearer «<S42>1»" http://127.0.0.1:5001/invocations
JupyterHub token | JUPYTERHUB_API_TOKEN=«<h32>»
"""

_ALPHABETS = {
    "W": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "U": string.ascii_uppercase + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "d": string.digits,
    "B": string.ascii_letters + string.digits + "+/",
    "S": string.ascii_letters + string.digits + "-_",
}
_PART = re.compile(r"<([WhUldBS])(\d+)>|<(uuid|n)>")
_IN_BASE64 = re.compile(r"<b64:(.*?>)>")


class Shape(NamedTuple):
    """One secret in what surrounds it."""

    name: str
    text: str
    secret: str


def shapes(seed: int = 7) -> list[Shape]:
    """Every recipe with values of its own."""
    chooser = random.Random(seed)
    made = []
    for line in RECIPES.strip().splitlines():
        name, _, recipe = line.partition(" | ")
        text = _IN_BASE64.sub(
            lambda found: base64.b64encode(_filled(found[1], chooser).encode()).decode(), recipe
        )
        text = _filled(text, chooser)
        before, _, rest = text.partition("«")
        secret, _, after = rest.partition("»")
        made.append(Shape(name, before + secret + after, secret))
    return made


def _filled(recipe: str, chooser: random.Random) -> str:
    def part(found: re.Match[str]) -> str:
        if found[3] == "n":
            return "\n"
        if found[3]:
            return str(uuid.UUID(int=chooser.getrandbits(128), version=4))
        letters, length = _ALPHABETS[found[1]], int(found[2])
        value = "".join(chooser.choice(letters) for _ in range(length))
        edge = string.ascii_letters if letters.isascii() and not letters.isalnum() else letters
        return value[:-1] + chooser.choice(edge)  # a sign at the end would end the word

    return _PART.sub(part, recipe)


def _in_lines(text: str) -> str:
    """Base64 as `base64` and MIME write it, 76 to a line."""
    return base64.encodebytes(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "in a URL": lambda text: quote(text, safe=""),
    "in JSON": lambda text: json.dumps({"message": f'he said "{text}"\n'}),
    "in base64": lambda text: f"payload {base64.b64encode(text.encode()).decode()}",
    "as Python bytes": lambda text: repr(f"\t{text}\n'\"".encode()),
}
"""The five encodings that every shape is looked for in."""
MORE_ENCODINGS: dict[str, Callable[[str], str]] = {
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"m": text})}),
    "quoted for a shell": lambda text: f"echo {shlex.quote(text)}",
    "URL-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: f"data:\n{_in_lines(text)}\nend",
    "base64 in JSON": lambda text: json.dumps({"data": _in_lines(text)}),
    "in colours": lambda text: f"\x1b[1;31m{text}\x1b[0m",
    "in HTML": lambda text: text.replace("&", "&amp;").replace('"', "&quot;"),
}


def pieces(secret: str, length: int = 12) -> set[str]:
    """Stretches of a secret of which none may be left; the whole of a shorter one."""
    body = secret.replace("\n", " ")
    words = [word for word in re.split(r"[\s;]+", body) if len(word) >= length] or [body]
    return {word[-length:] for word in words} | {
        word[at : at + length] for word in words for at in range(len(word) // 3, len(word) - length)
    }
