// What the Rust side calls: storage, randomness, the log. It is plain JavaScript because
// wasm-bindgen takes it along as it is.

/** @type {SqlStorage | undefined} */
let storage;

/**
 * Names the storage that `query` runs on. Calls into wasm never wait, so this holds for
 * exactly the call that follows.
 * @param {SqlStorage} sql
 */
export function useStorage(sql) {
  storage = sql;
}

/**
 * @param {string} sql
 * @param {string} parameters a JSON list
 * @returns {string} the rows as a JSON list of lists
 */
export function query(sql, parameters) {
  if (storage === undefined) throw new Error("no object is being called");
  const rows = storage.exec(sql, ...(parameters === "null" ? [] : JSON.parse(parameters))).raw();
  return JSON.stringify([...rows]);
}

/**
 * Runs a statement that takes one text and gives nothing: how a ledger appends.
 * @param {string} sql
 * @param {string} text
 */
export function execute(sql, text) {
  if (storage === undefined) throw new Error("no object is being called");
  storage.exec(sql, text);
}

/**
 * Runs a statement that takes four numbers, then three texts, and gives nothing: how a ledger
 * appends a single entry.
 * @param {string} sql
 * @param {[number, number, number, number, string, string, string]} values
 */
export function insert(sql, ...values) {
  if (storage === undefined) throw new Error("no object is being called");
  storage.exec(sql, ...values);
}

/** @param {Uint8Array} bytes */
export function random(bytes) {
  crypto.getRandomValues(bytes);
}

/** @param {string} line */
export function log(line) {
  console.error(line);
}
