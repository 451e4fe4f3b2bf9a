"""Validates profiles by python's jsonschema: SCHEMA on the command line, `[[name, TOML], ...]` on stdin.

Prints `name<tab>ok`, `name<tab>no`, or `name<tab>not toml`."""

import json
import sys
import tomllib

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for name, text in json.load(sys.stdin):
    try:
        profile = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        print(name, "not toml", sep="\t")
        continue
    print(name, "ok" if validator.is_valid(profile) else "no", sep="\t")
