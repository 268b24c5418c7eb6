"""Holds contracts/mediamanager.toml against the libraries that read the configuration.

    /opt/venv/bin/python -m unittest discover tests/lab/apps/tests

in an environment with tests/lab/apps/mediamanager/requirements.txt.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

APP = Path(__file__).parents[1] / "mediamanager"
CONTRACT = tomllib.loads((Path(__file__).parents[4] / "contracts/mediamanager.toml").read_text())
KEYS = CONTRACT["config"]["keys"]

SHOW = """
import json
from media_manager.config import config
print(config.model_dump_json())
"""
BASE = '[auth]\ntoken_secret = "fixed"\n'


def run(code: str, file: str = BASE, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_text(file)
        clean = {"CONFIG_DIR": folder, "PYTHONPATH": str(APP)}  # without PATH, which leaks too
        return subprocess.run(
            [sys.executable, "-B", "-c", code], env=clean | (env or {}), capture_output=True, text=True
        )


def dump(file: str = BASE, env: dict[str, str] | None = None) -> dict:
    done = run(SHOW, file, env)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def at(tree: dict, dotted: str):
    for part in dotted.split("."):
        tree = tree[part]
    return tree


def leaves(tree: dict, path: str = "") -> set[str]:
    found = set()
    for key, value in tree.items():
        here = f"{path}{key}"
        found |= leaves(value, here + ".") if isinstance(value, dict) else {here}
    return found


class Contract(unittest.TestCase):
    def test_it_has_every_key_and_no_other(self):
        self.assertEqual(leaves(dump()), set(KEYS))

    def test_defaults_are_the_libraries(self):
        real = dump()
        for key, fact in KEYS.items():
            if "default" in fact:
                self.assertEqual(at(real, key), fact["default"], key)

    def test_inert_variables_change_nothing(self):
        inert = {name: "changed" for name in CONTRACT["environment"]["inert"]}
        self.assertEqual(dump(env=inert), dump())

    def test_each_inert_variable_names_a_key(self):
        for name, key in CONTRACT["environment"]["inert"].items():
            self.assertTrue(any(known == key or known.startswith(key.rstrip("*")) for known in KEYS), name)

    def test_bare_variables_leak_where_a_key_is_absent(self):
        # One at a time, since a value must fit the type of every section that it gets into.
        samples = {"PORT": "1234", "ENABLED": "true", "CORS_URLS": '["x"]', "ADMIN_EMAILS": '["x"]',
                   "SESSION_LIFETIME": "7", "FRONTEND_URL": "https://x.example"}
        plain = dump(file="")
        for name in CONTRACT["environment"]["leaks"]:
            changed = dump(file="", env={name: samples.get(name, "leaked")})
            keys = {key for key in KEYS if at(changed, key) != at(plain, key)} - {"auth.token_secret"}
            if name == "TOKEN_SECRET":
                self.assertEqual(changed["auth"]["token_secret"], "leaked")
            else:
                self.assertTrue(keys and all(key.endswith("." + name.lower()) for key in keys), (name, keys))

    def test_the_file_wins_against_a_bare_variable(self):
        self.assertEqual(dump(env={"TOKEN_SECRET": "leaked"})["auth"]["token_secret"], "fixed")

    def test_a_prefixed_variable_wins_against_the_file(self):
        env = {"MEDIAMANAGER_AUTH__TOKEN_SECRET": "over"}
        self.assertEqual(dump(env=env)["auth"]["token_secret"], "over")

    def test_a_list_that_is_no_json_is_fatal(self):
        self.assertNotEqual(run(SHOW, env={"MEDIAMANAGER_AUTH__ADMIN_EMAILS": "a@b.example"}).returncode, 0)

    def test_an_unknown_key_is_fatal_with_the_line_of_the_log(self):
        done = run(SHOW, file='[database]\nnonsense = "1"\n')
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(any(line["contains"] in done.stderr for line in CONTRACT["log"]), done.stderr)

    def test_without_a_token_secret_each_start_has_another(self):
        self.assertNotEqual(dump(file="")["auth"]["token_secret"], dump(file="")["auth"]["token_secret"])


if __name__ == "__main__":
    unittest.main()
