// Runs one check with a real jsforce connection: its body comes on standard input, what it returns goes out as JSON.
// Settings (`connection`, `args`) come in CHECK; an error goes out as {"error": {name, errorCode, message}}.
"use strict";

const fs = require("node:fs");
const jsforce = require("jsforce");

const { connection, args } = JSON.parse(process.env.CHECK);
const AsyncFunction = (async () => {}).constructor;

async function main() {
  const body = new AsyncFunction("conn", "jsforce", "args", fs.readFileSync(0, "utf8"));
  try {
    const value = await body(new jsforce.Connection(connection), jsforce, args);
    return { value: value === undefined ? null : value };
  } catch (error) {
    return { error: { name: error.name, errorCode: error.errorCode ?? error.code, message: String(error.message) } };
  }
}

main().then((outcome) => process.stdout.write(JSON.stringify(outcome), () => process.exit(0)));
