"""Keywords of SQL Server's connection strings: ADO.NET's (old and new) and ODBC's, with their synonyms."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Keyword(StrEnum):
    """What a connection string may say that matters here; the values are ADO.NET's words."""

    SERVER = "Server"
    DATABASE = "Database"
    USER = "User Id"
    PASSWORD = "Password"  # noqa: S105 - a keyword
    ENCRYPT = "Encrypt"
    TRUST = "TrustServerCertificate"
    HOST_IN_CERTIFICATE = "HostNameInCertificate"
    SERVER_CERTIFICATE = "ServerCertificate"
    INTEGRATED = "Integrated Security"
    AUTHENTICATION = "Authentication"
    FILE = "AttachDbFilename"
    MULTI_SUBNET = "MultiSubnetFailover"
    INTENT = "ApplicationIntent"
    DRIVER = "Driver"
    INNER = "Provider Connection String"


_WORDS: dict[Keyword, tuple[str, ...]] = {
    Keyword.SERVER: ("server", "data source", "datasource", "addr", "address", "network address", "servername"),
    Keyword.DATABASE: ("database", "initial catalog", "databasename"),
    Keyword.USER: ("user id", "userid", "uid", "user", "username", "user name"),
    Keyword.PASSWORD: ("password", "pwd"),
    Keyword.ENCRYPT: ("encrypt", "use encryption for data"),
    Keyword.TRUST: ("trustservercertificate", "trust server certificate", "trust_server_certificate"),
    Keyword.HOST_IN_CERTIFICATE: ("hostnameincertificate", "host name in certificate"),
    Keyword.SERVER_CERTIFICATE: ("servercertificate", "server certificate"),
    Keyword.INTEGRATED: ("integrated security", "trusted_connection", "integratedsecurity"),
    Keyword.AUTHENTICATION: ("authentication",),
    Keyword.FILE: ("attachdbfilename", "extended properties", "initial file name", "attachdbfile"),
    Keyword.MULTI_SUBNET: ("multisubnetfailover", "multi subnet failover"),
    Keyword.INTENT: ("applicationintent", "application intent"),
    Keyword.DRIVER: ("driver",),
    Keyword.INNER: ("provider connection string",),
}
SYNONYMS = {word: keyword for keyword, words in _WORDS.items() for word in words}
"""Keywords by every way to write them, in lower case with single blanks."""
IGNORED = frozenset(
    """
    app|application name|asynchronous processing|async|attestation protocol|column encryption setting|columnencryption|
    command timeout|connect retry count|connectretrycount|connect retry interval|connectretryinterval|connect timeout|
    connection timeout|timeout|logintimeout|login timeout|connection lifetime|load balance timeout|connection reset|
    context connection|current language|language|enclave attestation url|enlist|failover partner|failover_partner|
    failover partner spn|ip address preference|ipaddresspreference|max pool size|min pool size|
    multiple active result sets|multipleactiveresultsets|mars_connection|network library|net|network|packet size|
    packetsize|persist security info|persistsecurityinfo|persist security|pool blocking period|poolblockingperiod|
    pooling|replication|server spn|serverspn|transaction binding|transparentnetworkipresolution|
    transparent network ip resolution|type system version|typesystemversion|user instance|workstation id|wsid|
    keepalive|keepaliveinterval|ansinpw|autotranslate|quotedid|regional|description|dsn|metadata|provider|longasmax
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
"""Keywords that are right and change nothing for the agent."""
