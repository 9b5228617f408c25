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
      - A path in it is kept. By default it is the published endpoint of O(region).
    type: str
  region:
    description:
      - The region, for example V(eu-de).
      - It gives O(endpoint), O(auth_url) and O(project_name) if they are not set.
      - Regions of Huawei Cloud and Open Telekom Cloud are known. For any other cloud set O(endpoint) and O(auth_url), because a login
        never goes to a host that was guessed.
      - Also taken from E(OS_REGION_NAME) or E(HW_REGION_NAME). With O(cloud) the region of that entry comes before these.
    type: str
  project_id:
    description:
      - The project that the jobs belong to. By default it is the one that the login is for.
      - O(auth_token) needs it, as a token cannot be asked for its project without more rights.
      - Also taken from E(OS_PROJECT_ID), E(OS_TENANT_ID), E(HUAWEICLOUD_SDK_PROJECT_ID) or E(HW_PROJECT_ID).
    type: str
  project_name:
    description:
      - The name of the project, where O(project_id) is not set. By default it is O(region), which names the default project.
      - Also taken from E(OS_PROJECT_NAME), E(OS_TENANT_NAME) or E(HW_PROJECT_NAME).
    type: str
  auth_token:
    description:
      - A token from IAM, as a way to log in. It is not renewed.
      - Also taken from E(OS_TOKEN), E(OS_AUTH_TOKEN) or E(HW_AUTH_TOKEN).
    type: str
  auth_url:
    description:
      - URL of IAM (Keystone v3), for example V(https://iam.eu-de.otc.t-systems.com/v3). By default it is that of O(region).
      - It is used for a login by password, and to look up O(project_name) with access keys.
      - Also taken from E(OS_AUTH_URL) or E(HW_AUTH_URL).
    type: str
  username:
    description:
      - The user of a login by password, with O(password) and O(user_domain_name).
        The token it gives is renewed before it runs out, and once when the service refuses it.
      - A login by password needs the Python package C(keystoneauth1).
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
      - The access key (AK) of a login by signed requests, with O(secret_key).
      - Also taken from E(OS_ACCESS_KEY), E(HUAWEICLOUD_SDK_AK) or E(HW_ACCESS_KEY).
    type: str
  secret_key:
    description:
      - The secret key (SK) of O(access_key).
      - Also taken from E(OS_SECRET_KEY), E(HUAWEICLOUD_SDK_SK) or E(HW_SECRET_KEY).
    type: str
  security_token:
    description:
      - The security token that comes with temporary access keys.
      - Also taken from E(OS_SECURITY_TOKEN), E(HUAWEICLOUD_SDK_SECURITY_TOKEN) or E(HW_SECURITY_TOKEN), whichever belongs to the access key.
    type: str
  cloud:
    description:
      - An entry of C(clouds.yaml), as a way to log in. It needs the Python packages C(openstacksdk) and C(keystoneauth1).
      - The entry may hold a login at Keystone, an application credential, which is sent without a scope, or access keys. These are
        C(access_key) and C(secret_key), or C(ak) and C(sk), with C(security_token), beside C(auth) or inside it.
      - Its C(drs_endpoint_override) is the default of O(endpoint).
      - Also taken from E(OS_CLOUD).
    type: str
  validate_certs:
    description: Whether TLS certificates are verified.
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificates of the authorities to trust, instead of the usual ones.
      - Also taken from E(OS_CACERT).
      - Without it, C(cacert) and C(verify) of O(cloud), and at last E(REQUESTS_CA_BUNDLE), are respected.
    type: path
  proxy:
    description:
      - URL of a proxy for all requests, those to IAM included, for example V(http://proxy.example.com:3128).
      - Without it, E(HTTPS_PROXY) and E(NO_PROXY) are respected.
    type: str
  language:
    description: The language of the texts of the service.
    type: str
    choices: [en-us, zh-cn]
    default: en-us
  request_timeout:
    description: Seconds that one HTTP request may take in all, from V(0.1) to V(600).
    type: float
    default: 30.0
  request_retries:
    description:
      - How often a request is tried again, from V(0) to V(20), where that may help.
        It may help when the service is throttled or has a fault, or the connection breaks.
      - The pauses grow and have full jitter. C(Retry-After) is respected up to one minute.
    type: int
    default: 4
  batch_size:
    description: How many jobs are asked for in one request, from V(1) to V(100).
    type: int
    default: 100
  parallel:
    description: How many requests are under way at once, from V(1) to V(64).
    type: int
    default: 4
requirements:
  - python >= 3.10
  - requests
  - keystoneauth1 (for a login by password and by C(clouds.yaml) only)
  - openstacksdk (for a login by C(clouds.yaml) only)
notes:
  - Exactly one way to log in is used. Options come before environment variables, and options for two ways are an error.
    Where only the environment has a login, or several, it is a token, a password, access keys or C(clouds.yaml), in this order.
  - Secrets appear in no output, even where the service echoes them.
"""
