// Validates profiles by ajv: SCHEMA on the command line, `[[name, JSON], ...]` on stdin.
// Prints `name<tab>ok` or `name<tab>no`.

const fs = require("fs");
const Ajv = require("ajv");

const schema = JSON.parse(fs.readFileSync(process.argv[2]));
const validate = new Ajv({ allErrors: true }).compile(schema);
for (const [name, profile] of JSON.parse(fs.readFileSync(0))) {
  console.log(`${name}\t${validate(profile) ? "ok" : "no"}`);
}
