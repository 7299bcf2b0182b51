"""The shapes of secrets: tables for `redaction`, one rule a line, however long.

A shape names itself, or what stands around a value names it; nothing is guessed from how random a
text looks. A rule is a kind, marks in lower case, and a pattern; of a pattern with a group, the
group is what is taken out. Every match begins with a mark, so that a pattern is tried nowhere else,
and no match begins in the middle of a word of letters and digits.
"""
# ruff: noqa: E501

from __future__ import annotations

import re

_TOKENS_OF = (
    "auth|access|refresh|bearer|session|security|id|api|app|hf|github|gh|gitlab|slack|npm|pypi|wandb|azure|aws|gcp|databricks|jupyter|jupyterhub"
    "|bot|personal|oauth2?|csrf|xsrf|deploy|user|service|openai|upload|device|admin|root|vault|consul|account|discord|telegram|sonar|sentry|neptune"
)
SECRET_NAME = re.compile(
    r"(?:^|[_\-. ])(?:pass(?:word|wd|phrase|code)?|pwd|secrets?|credentials?|creds?|api[_\-. ]?keys?|apikeys?"
    r"|access[_\-. ]?keys?|accesskeys?|account[_\-. ]?keys?|private[_\-. ]?keys?|signing[_\-. ]?keys?|shared[_\-. ]?(?:access[_\-. ]?)?keys?"
    r"|secret[_\-. ]?(?:access[_\-. ]?)?keys?|(?:encryption|master|storage|license|subscription)[_\-. ]?keys?|conn(?:ection)?[_\-. ]?str(?:ing)?"
    rf"|authorization|bearer|sas|pat|(?:{_TOKENS_OF})[_\-. ]?token|(?:pg|mysql)passw(?:or)?d"
    r"|client[_\-. ]?secret)(?:$|[_\-. ]|\d)",
    re.IGNORECASE,
)

NAMES = (
    r"passw(?:or)?d|passphrase|passcode|secret|(?:api|app|access|account|private|signing|encryption|master|storage|license|subscription|shared|session|auth)[_\-]?key"
    r"|secret[_\-]?(?:access[_\-]?)?key|shared[_\-]?access[_\-]?key|connection[_\-]?string|(?<![a-z])(?:[a-z]{0,20}[_\-.]pass|pwd|conn[_\-]?str|_auth|credentials?)"
    rf"|(?<![a-z])(?:{_TOKENS_OF})[_\-]?token"
)
"""Ends of names, in lower case, to which secrets are assigned."""

TOKENS = (
    ("token", ("eyj",), r"(?<![A-Za-z0-9+/])eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{8,}\.(?:[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]{8,}){0,2}|(?![A-Za-z0-9_\-]))"),
    ("token", ("ops_eyj", "eyj"), r"(?<![A-Za-z0-9])(?:ops_eyJ[A-Za-z0-9+/]{40,}|eyJhcGlf[A-Za-z0-9+/]{40,}|eyJrIjoi[A-Za-z0-9+/]{40,})={0,2}"),
    ("AWS key", ("akia", "asia", "abia", "acca", "aroa", "aida"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("AWS key", ("absk", "bedrock-api-key-", "amzn.mws."), r"(?<![A-Za-z0-9])(?:ABSK[A-Za-z0-9+/]{90,}={0,2}|bedrock-api-key-[A-Za-z0-9+/]{30,}={0,2}|amzn\.mws\.[0-9a-f\-]{36})"),
    ("token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat"), r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})"),
    ("token", ("glpat-", "glptt-", "glrt-", "gldt-", "glcbt-", "glagent-", "glsoat-", "glft-", "glimt-", "glffct-", "gloas-", "glwt-", "gr1348941"), r"(?<![A-Za-z0-9])(?:gl(?:pat|ptt|rt|dt|cbt|agent|soat|ft|imt|ffct|oas|wt)-|GR1348941)[A-Za-z0-9_\-]{16,}(?:\.[0-9a-z.]{9,12})?"),
    ("token", ("atatt3", "atctt3", "atbb"), r"(?<![A-Za-z0-9])(?:AT[AC]TT3[A-Za-z0-9_\-=]{40,}|ATBB[A-Za-z0-9_=.\-]{28,})"),
    ("token", ("xox", "xapp-", "services/", "workflows/", "triggers/"), r"(?<![A-Za-z0-9])(?:xox[abcdeoprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9\-]{10,}|(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}"),
    ("webhook", ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "webhookb2/"), r"discord(?:app)?\.com/api/webhooks/(?P<s31>\d{16,20}/[A-Za-z0-9_\-]{40,})|(?<=\.webhook\.office\.com/)webhookb2/[A-Za-z0-9\-@/]{60,}"),
    ("API key", ("sk-", "csk-"), r"(?<![A-Za-z0-9])c?sk-(?:(?:proj-|ant-[a-z0-9]+-|svcacct-|admin-|or-v1-|lf-)[A-Za-z0-9_\-]{20,}|[A-Za-z0-9]{20,}|(?=(?:[A-Za-z_\-]{0,30}\d){3})[A-Za-z0-9_\-]{20,})"),
    ("API key", ("gsk_", "r8_", "pplx-", "xai-", "nvapi-", "pcsk_", "tgp_v1_", "fw_", "lsv2_", "jina_", "tvly-", "rpa_", "wandb_v1_", "kgat_", "fc-"), r"(?<![A-Za-z0-9])(?:gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|nvapi-[A-Za-z0-9_\-]{40,}|pcsk_[A-Za-z0-9_]{40,}|tgp_v1_[A-Za-z0-9_\-]{30,}|fw_[A-Za-z0-9]{22,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{32,}|jina_[A-Za-z0-9_\-]{40,}|tvly-[A-Za-z0-9\-]{24,}|rpa_[A-Za-z0-9]{40,}|wandb_v1_[A-Za-z0-9_]{40,}|KGAT_[A-Za-z0-9]{30,}|fc-[0-9a-f]{32})(?<![a-z]{20})"),
    ("token", ("hf_", "api_org_"), r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    ("token", ("dapi", "dose", "dkea"), r"(?<![A-Za-z0-9])(?:dapi|dose|dkea)[a-f0-9]{32}(?:-\d)?(?![a-f0-9])"),
    ("token", ("npm_", "rubygems_", "clojars_", "oy2", "cio", "pypi-"), r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|rubygems_[a-f0-9]{48}|CLOJARS_[A-Za-z0-9]{60}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32}|pypi-[A-Za-z0-9_\-]{50,})(?![A-Za-z0-9])"),
    ("API key", ("aiza", "ya29.", "gocspx-", "1//0"), r"(?<![A-Za-z0-9])(?:AIza[A-Za-z0-9_\-]{35}|ya29\.[A-Za-z0-9_\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{28}|1//0[A-Za-z0-9_\-]{40,})"),
    ("API key", ("sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_", "whsec_"), r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,})"),
    ("API key", ("sg.", "sk_", "xkeysib-", "key-", "pmak-", "nrak-", "nrii-", "nrjs-", "nral-", "pat-"), r"(?<![A-Za-z0-9])(?:SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|sk_[0-9a-f]{48}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|key-[a-f0-9]{32}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|NR(?:AK|II|JS|AL)-[A-Za-z0-9\-]{19,}|pat-(?:na|eu)\d-[0-9a-f\-]{36})(?![A-Za-z0-9])"),
    ("API key", tuple(f"sk{digit}" for digit in "0123456789abcdef"), r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("token", ("hvs.", "hvb.", "dckr_", "dop_v1_", "doo_v1_", "dor_v1_", "pul-", "dp.", "fo1_", "fm1", "fm2_", "hrku-", "nfp_", "sbp_", "sb_secret_", "pscale_"), r"(?<![A-Za-z0-9])(?:hv[sb]\.[A-Za-z0-9_\-]{24,}|dckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}|do[opr]_v1_[a-f0-9]{64}|pul-[a-f0-9]{40}|dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}|fo1_[A-Za-z0-9_\-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{60,}={0,3}|HRKU-[A-Za-z0-9_\-]{36,}|nfp_[A-Za-z0-9]{36}|sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_\-]{20,}|pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.\-]{32,64})"),
    ("token", ("shpat_", "shpca_", "shppa_", "shpss_", "sq0", "eaa", "duffel_", "ezak", "eztk", "shippo_", "access-", "flwseck"), r"(?<![A-Za-z0-9])(?:shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|sq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,}|EAAA[A-Za-z0-9_\-]{56,}|EAA[A-Za-z0-9]{80,}|duffel_(?:test|live)_[A-Za-z0-9_\-=]{43}|EZ[AT]K[A-Za-z0-9]{54}|shippo_(?:live|test)_[a-f0-9]{40}|access-(?:sandbox|development|production)-[0-9a-f\-]{36}|FLWSECK(?:_TEST)?-[a-h0-9]{12,})"),
    ("token", ("glsa_", "glc_", "sntrys_", "sntryu_", "dt0c01.", "sqp_", "squ_", "sqa_", "ccipat_", "cciprj_", "bkua_", "tskey-", "sgp_", "snyk_"), r"(?<![A-Za-z0-9])(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,3}|sntrys_[A-Za-z0-9+/=_]{40,}|sntryu_[a-f0-9]{64}|dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}|sq[pua]_[a-f0-9]{40}|CCI(?:PAT|PRJ)_[A-Za-z0-9_]{22,}|bkua_[a-f0-9]{40}|tskey-[a-z]+-[A-Za-z0-9\-]{20,}|sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}|snyk_(?:uat|sat)\.[a-f0-9]{8}\.[A-Za-z0-9_\-.]{20,})"),
    ("token", ("lin_", "ntn_", "secret_", "figd_", "pat", "tfp_", "rdme_", "pnu_", "pnb_", "dbtc_", "dbtu_", "zpka_", "ico-", "cfpat-", "fio-u-", "aio_", "phx_", "ory_at_"), r"(?<![A-Za-z0-9])(?:lin_(?:api|oauth)_[A-Za-z0-9]{32,64}|ntn_[0-9]{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43}|figd_[A-Za-z0-9_\-]{40,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}|tfp_[A-Za-z0-9_\-=.]{40,}|rdme_[a-z0-9]{70}|pn[ub]_[A-Za-z0-9]{36}|dbt[cu]_[A-Za-z0-9_\-=]{30,}|zpka_[A-Za-z0-9]{32}_[a-f0-9]{8}|ico-[A-Za-z0-9]{32}|CFPAT-[A-Za-z0-9_\-]{43}|fio-u-[A-Za-z0-9_\-=]{64}|aio_[A-Za-z0-9]{28}|phx_[A-Za-z0-9]{32,}|ory_at_[A-Za-z0-9_\-.]{40,})"),
    ("token", ("akcp", "cmvmd", "ltai", "aqvn", "t1.", "p8e-", "sha256~", "age-secret-key-", "a3-", "api-", "sdk-", "sl.", "aaaaaaaaaaaaaaaaaaaaa", "v1.0-"), r"(?<![A-Za-z0-9+/])(?:AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{59}|LTAI[A-Za-z0-9]{16,20}|AQVN[A-Za-z0-9_\-]{35,38}|t1\.[A-Za-z0-9_\-]{4,}={0,2}\.[A-Za-z0-9_\-]{86}={0,2}|p8e-[A-Za-z0-9]{32}|sha256~[A-Za-z0-9_\-]{43}|AGE-SECRET-KEY-1[A-Z0-9]{58}|A3-[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}|API-[A-Z0-9]{26}|(?:api|sdk)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|sl\.[A-Za-z0-9_\-=]{100,}|A{21,22}[A-Za-z0-9%]{20,60}%3D[A-Za-z0-9%]{20,}|v1\.0-[a-f0-9]{24}-[a-f0-9]{146})(?![A-Za-z0-9])"),
)  # fmt: skip
"""Shapes that name themselves, wherever they stand."""

FRAMES = (
    ("signature", ("sig=", "signature="), r"(?i)(?:(?<=[?&;])|(?<=[?&;]X-Amz-)|(?<=[?&;]X-Goog-)|(?<=[?&;]se_))sig(?:nature)?=(?P<s1>[A-Za-z0-9%+/=_\-]{16,})"),
    ("signature", ("sig=",), r"(?<![A-Za-z0-9_])sig=(?P<s2>[A-Za-z0-9%+/_\-]{40,}(?:=|%3D))"),
    ("Azure key", ("accountkey", "sharedaccesskey", "sharedaccesssignature", "accesskey", "password", "pwd", "clientsecret", "secret"), r"\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|AccessKey|Password|Pwd|ClientSecret|Secret)\s*=\s*(?P<s3>(?!\s)[^;\"'\s\\]{16,})(?=;|\"|'|\s|\\|$)"),
    ("API key", ('"username"',), r"\"username\"\s*:\s*\"[^\"]{1,60}\"\s*,\s*\"key\"\s*:\s*\"(?P<s4>[0-9a-f]{32})\""),
    ("API key", ("primarykey", "secondarykey"), r"(?<=[\"'])(?:primary|secondary)Key[\"']\s*:\s*[\"'](?P<s13>[A-Za-z0-9+/_\-]{20,}={0,2})"),
    ("token", ("token",), r"(?i)(?<![A-Za-z0-9_\-])token[\"']?[ \t]*[:=][ \t]*[\"']?(?P<s5>(?=[^\s\"']{0,200}\d)(?=[^\s\"']{0,200}[A-Za-z])[A-Za-z0-9_\-.~+/]{20,}={0,2})"),
    ("password", ('"auth', '"identityauth'), r"\"(?:identity)?auth(?:token)?\"\s*:\s*\"(?P<s6>[A-Za-z0-9+/_\-]{12,}={0,2})\""),
    ("private key", ("client-key-data:", '"d"', "private-lines:"), r"client-key-data:\s*(?P<s7>[A-Za-z0-9+/=]{20,})|\"d\"\s*:\s*\"(?P<s8>[A-Za-z0-9_\-]{40,})\"|Private-Lines: \d+\r?\n(?P<s9>(?:[A-Za-z0-9+/=]{1,64}(?:\r?\n|$)){1,100})"),
    ("token", ("bearer", "token", "apikey", "ssws", "negotiate", "splunk"), r"(?i)\b(?:bearer|token|apikey|ssws|negotiate|splunk)[ \t]+(?P<s10>(?=[^\s\"']{0,400}\d)[A-Za-z0-9\-._~+/]{16,}=*)"),
    ("cookie", ("_xsrf=", "sessionid=", "connect.sid=", "phpsessid=", "jsessionid=", "_gitlab_session=", "user_session=", "username-"), r"(?i)(?<![A-Za-z0-9])(?:_xsrf|sessionid|connect\.sid|phpsessid|jsessionid|_gitlab_session|user_session|username-[\w\-]{1,80})=\"?(?P<s12>(?=[^\s\"';]{0,200}\d)[^\s\"';&,\\]{16,})"),
    ("private key", ("-----begin",), r"-----BEGIN[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----(?:[\s\S]{0,20000}?-----END[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----|(?:[A-Za-z0-9+/=\s:,.%\-]|\\[nr]){0,20000})"),
    ("query secret", ("access_token=", "refresh_token=", "id_token=", "auth_token=", "private_token=", "job_token=", "token=", "api_key=", "api-key=", "apikey=", "key=", "password=", "pwd=", "secret=", "client_secret=", "code=", "auth=", "assertion=", "client_assertion=", "subscription-key="), r"(?<=[?&#])(?:access_token|refresh_token|id_token|auth_token|private_token|job_token|token|api[_\-]?key|key|password|pwd|(?:client_)?secret|code|auth|(?:client_)?assertion|subscription-key)=(?P<s21>[^&\s\"'#\\)\]}>]{8,})"),
    ("password", ("basic",), r"(?i)\bbasic[ \t]+(?P<basic>[A-Za-z0-9+/_\-]{8,}={0,2})"),
    ("password", ("login", "account"), r"\b(?:login|account)[ \t\n]+\S{1,100}[ \t\n]+password[ \t\n]+(?P<s23>[^\s\"\\]{4,200})"),
    ("password", ("login", "sshpass", "mysql", "mongos"), r"\b(?:login|sshpass|mysql|mysqldump|mongosh?)\b[^\n]{0,200}?[ \t]-p[ \t]?(?P<s25>[^\s\-\"'\\][^\s\"'\\]{5,})"),
    ("password", ("curl",), r"\bcurl\b[^\n]{0,400}?[ \t](?:-u|--user)[ \t=]?[\"']?[^\s:\"']{1,100}:(?P<s26>[^\s\"'\\]{4,})"),
    ("secret", ("<add",), r"(?i)<add[ \t]+key=\"[a-z0-9_.:\-]{0,30}?" + f"(?:{NAMES})" + r"\"[ \t]+value=\"(?P<s28>[^\"\n]{4,400})\""),
    ("cookie", ("cookie",), r"(?i)\bcookie[\"']?:[ \t]*[\"']?(?P<s29>[A-Za-z0-9_.\-]{1,80}=[^\s\"'\\][^\n\"'\\]{7,})"),
    ("secret", ("x-", "ocp-apim-subscription-key", "authorization", "proxy-authorization", "private-token", "job-token", "api-key", "apikey", "circle-token", "dd-api-key", "dd-application-key"), r"(?i)(?<![A-Za-z0-9\-])(?:x-[a-z0-9\-]{0,40}(?:key|token|secret|password|auth)|ocp-apim-subscription-key|(?:proxy-)?authorization|private-token|job-token|api-key|apikey|circle-token|dd-(?:api|application)-key)[\"']?[ \t]*[:=][ \t]*[\"']?(?:[A-Za-z]{3,12}[ \t]+)?(?P<s30>(?=[^\s\"']{0,400}\d)[A-Za-z0-9\-._~+/:]{12,}={0,2})"),
)  # fmt: skip
"""Values that what stands around them says to be secret."""

RARE = (
    ("Azure key", 42, ("AzFu", "AzSe", "AzCa", "+ACR"), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{42}(?:AzSe|AzCa|AzFu|\+ACR)[A-Za-z0-9+/]{5,8}={0,2}(?![A-Za-z0-9+/])"),
    ("Azure key", 33, ("AIoT", "+ASb", "+AEh", "ASbE", "ARm+"), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{33}(?:AIoT|\+ASb|\+AEh|ASbE|ARm\+)[A-Za-z0-9+/]{5,7}={0,2}(?![A-Za-z0-9+/])"),
    ("Azure key", 76, ("APIM", "+ASt", "AzFu", "+AMC", "ACDb", "+ABa", "AZDO"), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{76}(?:APIM|\+ASt|AzFu|\+AMC|ACDb|\+ABa|AZDO)[A-Za-z0-9+/]{4,6}={0,2}(?![A-Za-z0-9+/])"),
    ("Azure key", 52, ("JQQJ9",), r"(?<![A-Za-z0-9+/])[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{27,}(?![A-Za-z0-9+/])"),
    ("Azure client secret", 4, ("Q~",), r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}(?![A-Za-z0-9_~\-])"),
    ("API key", 32, ("-us",), r"(?<![A-Za-z0-9])[a-f0-9]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    ("token", 14, (".atlasv1.",), r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"),
    ("token", 8, (":AA",), r"(?<![A-Za-z0-9])\d{8}:AA[A-Za-z0-9_\-]{32,34}(?![A-Za-z0-9_\-])"),
    ("token", 9, (":AA",), r"(?<![A-Za-z0-9])\d{9}:AA[A-Za-z0-9_\-]{32,34}(?![A-Za-z0-9_\-])"),
    ("token", 10, (":AA",), r"(?<![A-Za-z0-9])\d{10}:AA[A-Za-z0-9_\-]{32,34}(?![A-Za-z0-9_\-])"),
    ("token", 0, ("://",), r"://(?P<s11>[A-Za-z0-9_\-]{20,})(?=@)"),
    ("password", 0, ("://",), r"://[^\s/:@\"'<>]{0,100}:(?P<in_address>[^\s/\"'<>\\]{1,200})(?=@)"),
    ("Azure storage key", 0, ("==",), r"==(?![A-Za-z0-9+/=])(?<=(?<![A-Za-z0-9+/])(?P<s32>[A-Za-z0-9+/]{86}==))"),
    ("secret", 0, ("--",), r"(?i)--(?<![A-Za-z0-9\-]--)(?=[a-z0-9_.\-]{3,200}[ \t])[a-z0-9\-]{0,30}?" + f"(?:{NAMES})" + r"[ \t]+(?P<flag>\"[^\"\n]{4,}\"|'[^'\n]{4,}'|[^\s\"'\\\-<\[({$|][^\s\"'\\]{5,})"),
    ("token", 0, (".",), r"\.(?<=[A-Za-z0-9_\-]{23}\.)(?P<s14>[A-Za-z0-9_\-]{6}\.(?=[^.]{0,38}\d)(?=[^.]{0,38}[A-Z])[A-Za-z0-9_\-]{27,38})(?![A-Za-z0-9_\-.])"),
    ("password", None, (":5432:", ":5433:", ":6432:", ":*:"), r"(?<![A-Za-z0-9_.:/\-])[A-Za-z0-9_.\-*]{1,100}:(?:5432|5433|6432|\*):[^:\s]{1,60}:[^:\s]{1,60}:(?P<s24>[^\s:\\\"']{4,200})(?![^\s\\\"'])"),
    ("secret", 0, ("<",), r"(?i)<(?=[a-z0-9_.:\-]{3,100}>)([a-z0-9_.:\-]{0,30}?" + f"(?:{NAMES})" + r")>(?P<s27>[^<>\n]{4,400})</\1>"),
)  # fmt: skip
"""Shapes whose marks may stand in the middle of words, or are signs.

A number says how many characters of a match stand before its mark; None that they are some.
These marks are not in lower case.
"""
COMMON_SIGNS = {
    "==": r"==(?<=[A-Za-z0-9+/]{9}==)(?![A-Za-z0-9+/=])",
    "--": r"--(?<![A-Za-z0-9\-]--)(?=[A-Za-z])",
    "<": r"<(?=[A-Za-z0-9_.:\-]{3,100}>[^<>\n]{4,400}</)",
    ".": r"\.(?<=[A-Za-z0-9_\-]{23}\.)",
}
"""Marks that ordinary text is full of: with what must stand around them too."""
