from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from migrate_agent.config import DEFAULT_API_URL, load_config
from migrate_agent.identity import Credentials, KeyRing, save_credentials
from migrate_contract.errors import ErrorCode, Fatal

KEY = "acme.agt_000000000001.a-secret-of-this-agent"


def written(home: Path, text: str) -> Path:
    path = home / "agent.toml"
    path.write_text(text)
    return path


def refused(home: Path, **environment: str) -> Fatal:
    with pytest.raises(Fatal) as caught:
        load_config(home=home, environment=environment)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    return caught.value


def test_the_defaults(tmp_path: Path) -> None:
    config = load_config(home=tmp_path, environment={})
    assert config.api_url == DEFAULT_API_URL == "https://api.theonemigrate.app"
    assert (config.max_jobs, config.log_level) == (2, "info")
    assert config.log_path == tmp_path / "logs" / "agent.log"


def test_the_home_comes_from_the_environment(tmp_path: Path) -> None:
    assert load_config(environment={"MIGRATE_AGENT_HOME": str(tmp_path)}).state_dir == tmp_path


def test_root_on_linux_has_the_systems_folders() -> None:
    config = load_config(environment={})
    if os.geteuid() == 0:
        assert (config.home, config.state_dir) == (Path("/etc/migrate-agent"), Path("/var/lib/migrate-agent"))
    else:
        assert config.home != config.state_dir


def test_precedence_of_the_address(tmp_path: Path) -> None:
    save_credentials(tmp_path, Credentials(agent_key=KEY, api_url="https://registered.example"))
    assert load_config(home=tmp_path, environment={}).api_url == "https://registered.example"
    written(tmp_path, '[api]\nurl = "https://file.example/"')
    assert load_config(home=tmp_path, environment={}).api_url == "https://file.example"
    env = {"MIGRATE_API_URL": "https://environment.example"}
    assert load_config(home=tmp_path, environment=env).api_url == "https://environment.example"
    assert (
        load_config(home=tmp_path, environment=env, api_url="https://typed.example").api_url == "https://typed.example"
    )


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ('[api]\nulr = "https://a.example"', "[api] ulr"),
        ('[api]\nurl = "a.example"', "[api] url"),
        ('[network]\nproxy = "socks5://a.example"', "[network] proxy"),
        ("[agent]\nmax_jobs = 0", "[agent] max_jobs"),
        ('[log]\nlevel = "loud"', "[log] level"),
        ("[jobs]\nx = 1", "[jobs]"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, entry: str) -> None:
    written(tmp_path, text)
    assert entry in refused(tmp_path).detail


def test_what_is_not_toml_says_where(tmp_path: Path) -> None:
    written(tmp_path, "[api\n")
    assert "line 1" in refused(tmp_path).detail


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(Fatal):
        load_config(home=tmp_path, config_path=tmp_path / "other.toml", environment={})


def test_a_key_never_travels_in_clear_text(tmp_path: Path) -> None:
    assert "MIGRATE_API_URL" in refused(tmp_path, MIGRATE_API_URL="http://control.example").detail
    assert load_config(home=tmp_path, environment={"MIGRATE_API_URL": "http://127.0.0.1:7071"}).api_url


def test_a_refused_entry_is_shown_without_its_value(tmp_path: Path) -> None:
    written(tmp_path, f'[api]\nkey = "{KEY}"\nurl = "ftp://x"')
    assert "a-secret" not in refused(tmp_path).detail


def test_a_file_with_a_key_is_closed_to_others(tmp_path: Path) -> None:
    path = written(tmp_path, f'[api]\nkey = "{KEY}"')
    path.chmod(0o644)
    assert load_config(home=tmp_path, environment={}).credentials().agent_key == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_key_is_not_registered(tmp_path: Path) -> None:
    with pytest.raises(Fatal) as caught:
        load_config(home=tmp_path, environment={}).credentials()
    assert caught.value.code is ErrorCode.NOT_REGISTERED


def test_a_key_that_was_cut_is_named_without_being_shown(tmp_path: Path) -> None:
    config = load_config(home=tmp_path, environment={"MIGRATE_AGENT_KEY": "only-the-secret-part"})
    with pytest.raises(Fatal) as caught:
        config.credentials()
    assert "MIGRATE_AGENT_KEY" in caught.value.detail
    assert "only-the-secret" not in caught.value.detail


def test_a_rotated_key_replaces_the_one_in_the_environment(tmp_path: Path) -> None:
    environment = {"MIGRATE_AGENT_KEY": KEY}
    config = load_config(home=tmp_path, environment=environment)
    KeyRing(config.credentials(), tmp_path).replace("acme.agt_000000000001.the-rotated-one")
    again = load_config(home=tmp_path, environment=environment).credentials()
    assert again.agent_key == "acme.agt_000000000001.the-rotated-one"
    KeyRing(again, tmp_path).replace("acme.agt_000000000001.the-third-one")
    assert load_config(home=tmp_path, environment=environment).credentials().agent_key.endswith("the-third-one")
    other = load_config(home=tmp_path, environment={"MIGRATE_AGENT_KEY": "acme.agt_000000000002.of-another-agent"})
    assert other.credentials().agent_id == "agt_000000000002", "a newly set key counts"
