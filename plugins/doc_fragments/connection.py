# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that every plugin of the collection takes."""

    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - Base URL of the Data Replication Service (DRS), for example V(https://drs.eu-de.otc.t-systems.com).
      - A path in it is kept. The default is the published endpoint of O(region).
    type: str
  region:
    description:
      - The region, for example V(eu-de).
      - It sets the defaults of O(endpoint), O(auth_url) and O(project_name).
      - The regions of Huawei Cloud and Open Telekom Cloud are known. For any other cloud, set O(endpoint) and O(auth_url), because credentials are
        never sent to a guessed host.
      - Also taken from E(OS_REGION_NAME) or E(HW_REGION_NAME). With O(cloud), the region of that entry takes precedence over these.
    type: str
  project_id:
    description:
      - The ID of the project that the jobs belong to. The default is the project of the login.
      - Required with O(auth_token), because finding out the project of a token needs further permissions.
      - Also taken from E(OS_PROJECT_ID), E(OS_TENANT_ID), E(HUAWEICLOUD_SDK_PROJECT_ID) or E(HW_PROJECT_ID).
    type: str
  project_name:
    description:
      - The name of the project, if O(project_id) is not set. The default is O(region), which is also the name of the default project.
      - Also taken from E(OS_PROJECT_NAME), E(OS_TENANT_NAME) or E(HW_PROJECT_NAME).
    type: str
  auth_token:
    description:
      - A token from IAM. This is one of the login methods. The token is not renewed.
      - Also taken from E(OS_TOKEN), E(OS_AUTH_TOKEN) or E(HW_AUTH_TOKEN).
    type: str
  auth_url:
    description:
      - URL of IAM (Keystone v3), for example V(https://iam.eu-de.otc.t-systems.com/v3). The default is the URL of O(region).
      - Used to log in with a password, and to look up O(project_name) when logging in with access keys.
      - Also taken from E(OS_AUTH_URL) or E(HW_AUTH_URL).
    type: str
  username:
    description:
      - The user name for the login with a password. Set O(password) and O(user_domain_name) too.
      - The token that IAM issues is renewed before it expires, and once if the service refuses it.
      - This login method needs the Python package C(keystoneauth1).
      - Also taken from E(OS_USERNAME) or E(HW_USER_NAME).
    type: str
  password:
    description:
      - The password of O(username).
      - Also taken from E(OS_PASSWORD) or E(HW_USER_PASSWORD).
    type: str
  user_domain_name:
    description:
      - The domain (account) of O(username).
      - Also taken from E(OS_USER_DOMAIN_NAME), E(OS_DOMAIN_NAME) or E(HW_DOMAIN_NAME).
    type: str
  access_key:
    description:
      - The access key (AK) for the login by signed requests. Set O(secret_key) too.
      - Also taken from E(OS_ACCESS_KEY), E(HUAWEICLOUD_SDK_AK) or E(HW_ACCESS_KEY).
    type: str
  secret_key:
    description:
      - The secret key (SK) that belongs to O(access_key).
      - Also taken from E(OS_SECRET_KEY), E(HUAWEICLOUD_SDK_SK) or E(HW_SECRET_KEY).
    type: str
  security_token:
    description:
      - The security token that belongs to a temporary access key.
      - Also taken from E(OS_SECURITY_TOKEN), E(HUAWEICLOUD_SDK_SECURITY_TOKEN) or E(HW_SECURITY_TOKEN), whichever belongs to the access key used.
    type: str
  cloud:
    description:
      - The name of an entry in C(clouds.yaml). This is one of the login methods. It needs the Python packages C(openstacksdk) and
        C(keystoneauth1).
      - The entry may contain a Keystone login, an application credential (sent without a scope) or access keys. Access keys are
        C(access_key) and C(secret_key), or C(ak) and C(sk), optionally with C(security_token), inside C(auth) or beside it.
      - If the entry has C(drs_endpoint_override), that is the default of O(endpoint).
      - Also taken from E(OS_CLOUD).
    type: str
  allow_http:
    description:
      - Whether O(endpoint) and O(auth_url) may begin with V(http://) and be on another machine than the one that sends the requests.
      - Then a token or a password is sent in clear, and anybody on the way can read it.
    type: bool
    default: false
  validate_certs:
    description: Whether TLS certificates are verified.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the CA certificates to trust, instead of the default ones.
      - Also taken from E(OS_CACERT).
      - If it is not set, C(cacert) and C(verify) of the O(cloud) entry apply, else E(REQUESTS_CA_BUNDLE).
    type: path
  proxy:
    description:
      - URL of a proxy for all requests, including those to IAM, for example V(http://proxy.example.com:3128).
      - It may begin with V(http), V(https), V(socks5) or V(socks5h). The last two require the Python package C(PySocks).
      - It must have no path, no query and no fragment. Percent-encode a password that contains V(/), V(?), V(#) or V(@).
      - If it is not set, E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY) apply, in upper or lower case.
    type: str
  language:
    description: The language of the messages that the service returns.
    type: str
    choices: [en-us, zh-cn]
    default: en-us
  request_timeout:
    description:
      - Maximum duration of one HTTP request in seconds, from V(0.1) to V(600).
      - A connection to one address of the host gets half of that time. Then the next address is tried, if there is one.
    type: float
    default: 30.0
  request_retries:
    description:
      - Maximum number of retries, from V(0) to V(20), for errors that may be transient. These are throttling, a fault of the service,
        a broken connection, and responses without an error code of the service, which come from a proxy or firewall.
      - The pauses between retries grow, with full jitter. C(Retry-After) is respected up to one minute.
    type: int
    default: 4
  batch_size:
    description: Maximum number of jobs in one request, from V(1) to V(100).
    type: int
    default: 100
  parallel:
    description: Maximum number of requests at the same time, from V(1) to V(64).
    type: int
    default: 4
requirements:
  - python >= 3.10
  - requests
  - keystoneauth1 (only for logins with a password or C(clouds.yaml))
  - openstacksdk (only for logins with C(clouds.yaml))
notes:
  - Exactly one login method is used. Options take precedence over environment variables, and options for two methods are an error.
    If no option sets a login, the environment is searched for a token, a password, access keys and C(clouds.yaml), in this order.
  - Secrets never appear in the output, even if the service echoes them.
"""
