// The variables of a local run. What the environment does not give is made once and kept
// in DATA_DIR/secrets.env, readable by its owner only. Nothing here is ever printed.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "./toolchain.mjs";

const GENERATED = ["ADMIN_TOKEN", "KEY_SECRET"];
const OPTIONAL = [
  "KEY_SECRET_PREVIOUS",
  "CORS_ORIGINS",
  "STRIPE_SECRET_KEY",
  "STRIPE_TEST_SECRET_KEY",
  "STRIPE_WEBHOOK_SECRET",
  "STRIPE_TEST_WEBHOOK_SECRET",
  "STRIPE_API_BASE",
];
const OWNER_ONLY = { mode: 0o600 };

/**
 * @param {string} dataDir
 * @returns {Record<string, string>} ADMIN_TOKEN and KEY_SECRET, and of the optional ones
 *   what the environment gives
 */
export function loadSecrets(dataDir) {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, "secrets.env");
  const kept = existsSync(path) ? parse(readFileSync(path, "utf8")) : {};
  /** @type {Record<string, string>} */
  const secrets = {};
  let isNew = false;
  for (const name of GENERATED) {
    const given = process.env[name];
    if (!given && !kept[name]) {
      kept[name] = randomBytes(32).toString("base64url");
      isNew = true;
    }
    secrets[name] = given || String(kept[name]);
  }
  if (isNew) writeFileSync(path, serialize(kept), OWNER_ONLY);
  for (const name of OPTIONAL) {
    const given = process.env[name];
    if (given) secrets[name] = given;
  }
  return secrets;
}

/**
 * Writes the variables where wrangler reads them: its command line is seen by every
 * process of the machine.
 * @param {string} dataDir
 * @param {Record<string, string>} secrets
 */
export function writeEnvFile(dataDir, secrets) {
  const path = join(dataDir, "wrangler.env");
  writeFileSync(path, serialize(secrets), OWNER_ONLY);
  return path;
}

/** @param {Record<string, string>} values */
function serialize(values) {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(name, value)}\n`)
    .join("");
}

/**
 * In single quotes all is literal but `$`, which wrangler expands there too.
 * @param {string} name
 * @param {string} value
 */
function quote(name, value) {
  if (/['\r\n]/.test(value)) {
    throw new UserError(`${name} must not contain a single quote or a line break`);
  }
  return `'${value.replaceAll("$", "\\$")}'`;
}

/** @param {string} text */
function parse(text) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const line of text.split("\n")) {
    const [, name, value] = line.match(/^([A-Z_]+)='?(.*?)'?$/) ?? [];
    if (name && value) values[name] = value;
  }
  return values;
}
