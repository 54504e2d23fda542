// The store behind the CREDITS_KV binding where there is no Workers KV: an entrypoint that
// speaks the HTTP protocol of workerd's `kvNamespace` binding, over one Durable Object
// with SQLite. It keeps KV's contract (expiry, metadata, listing by prefix, limits) but
// not its delays: a write is seen by the next read.

import { DurableObject } from "cloudflare:workers";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_METADATA_BYTES = 1024;
const MAX_LIST_KEYS = 1000;
const MAX_BULK_KEYS = 100;
const MIN_TTL_SECONDS = 60;
// A Durable Object's SQLite row ends at 2 MB, so larger values lie in several rows.
const CHUNK_BYTES = 1024 * 1024;
const SWEEP_INTERVAL_MS = 60 * 60 * 1000;

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const kv = {
  fetch(request, env) {
    return env.KV_STORE.get(env.KV_STORE.idFromName("kv")).fetch(request);
  },
};

export class KvStore extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS entries (
        key TEXT PRIMARY KEY, metadata TEXT, expires_at INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
      CREATE TABLE IF NOT EXISTS chunks (
        key TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (key, part)
      ) STRICT, WITHOUT ROWID;
    `);
  }

  async fetch(request) {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof Refused) return new Response(error.message, { status: error.status });
      throw error;
    }
  }

  async #answer(request) {
    const url = new URL(request.url);
    // Read even where it will be refused: a caller whose body nobody reads waits forever.
    const body = await request.arrayBuffer();
    if (request.method === "POST" && url.pathname === "/bulk/get") {
      return this.#getMany(JSON.parse(new TextDecoder().decode(body)));
    }
    if (request.method === "GET" && url.pathname === "/") return this.#list(url.searchParams);
    const key = keyOf(url);
    switch (request.method) {
      case "GET":
        return this.#get(key);
      case "PUT":
        return this.#put(key, url.searchParams, request.headers.get("CF-KV-Metadata"), body);
      case "DELETE":
        this.ctx.storage.transactionSync(() => this.#remove(key));
        return new Response();
      default:
        throw new Refused(405, "method not allowed");
    }
  }

  #get(key) {
    const entry = this.#read(key);
    if (!entry) throw new Refused(404, "not found");
    const headers = new Headers();
    if (entry.expiresAt !== null) headers.set("CF-Expiration", String(entry.expiresAt));
    if (entry.metadata !== null) headers.set("CF-KV-Metadata", entry.metadata);
    return new Response(entry.bytes, { headers });
  }

  #getMany({ keys, type, withMetadata }) {
    if (!Array.isArray(keys) || keys.length < 1 || keys.length > MAX_BULK_KEYS) {
      throw new Refused(400, `between 1 and ${MAX_BULK_KEYS} keys can be read at once`);
    }
    const found = {};
    for (const key of keys) {
      const entry = this.#read(key);
      found[key] = entry ? decode(entry, type, withMetadata) : null;
    }
    return Response.json(found);
  }

  async #put(key, params, metadata, bytes) {
    const expiresAt = expiryOf(params);
    if (metadata !== null && byteLength(metadata) > MAX_METADATA_BYTES) {
      throw new Refused(413, `metadata is limited to ${MAX_METADATA_BYTES} bytes`);
    }
    if (bytes.byteLength > MAX_VALUE_BYTES) {
      throw new Refused(413, `a value is limited to ${MAX_VALUE_BYTES} bytes`);
    }
    this.ctx.storage.transactionSync(() => {
      this.#remove(key);
      this.sql.exec("INSERT INTO entries VALUES (?, ?, ?)", key, metadata, expiresAt);
      for (let at = 0, part = 0; at < bytes.byteLength; at += CHUNK_BYTES, part += 1) {
        const chunk = bytes.slice(at, at + CHUNK_BYTES);
        this.sql.exec("INSERT INTO chunks VALUES (?, ?, ?)", key, part, chunk);
      }
    });
    if (expiresAt !== null && (await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + SWEEP_INTERVAL_MS);
    }
    return new Response();
  }

  #list(params) {
    const limit = Number(params.get("key_count_limit") ?? MAX_LIST_KEYS);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_KEYS) {
      throw new Refused(400, `a list has between 1 and ${MAX_LIST_KEYS} keys`);
    }
    const prefix = params.get("prefix") ?? "";
    const cursor = params.get("cursor");
    // One more than asked for tells whether the list goes on.
    const rows = this.sql
      .exec(
        `SELECT key, metadata, expires_at FROM entries
         WHERE key > ? AND substr(key, 1, length(?)) = ?
           AND (expires_at IS NULL OR expires_at > ?)
         ORDER BY key LIMIT ?`,
        cursor ? decodeURIComponent(atob(cursor)) : "",
        prefix,
        prefix,
        nowSeconds(),
        limit + 1,
      )
      .toArray();
    const page = rows.slice(0, limit);
    const keys = page.map(({ key, metadata, expires_at }) => ({
      name: key,
      ...(expires_at !== null && { expiration: expires_at }),
      ...(metadata !== null && { metadata }),
    }));
    const goesOn = rows.length > limit;
    return Response.json({
      keys,
      list_complete: !goesOn,
      ...(goesOn && { cursor: btoa(encodeURIComponent(page.at(-1).key)) }),
      cacheStatus: null,
    });
  }

  /** Expired entries are invisible at once; this only gives their space back. */
  async alarm() {
    this.ctx.storage.transactionSync(() => {
      const expired = this.sql
        .exec("SELECT key FROM entries WHERE expires_at <= ?", nowSeconds())
        .toArray();
      for (const { key } of expired) this.#remove(key);
    });
    const rest = this.sql
      .exec("SELECT count(*) AS n FROM entries WHERE expires_at IS NOT NULL")
      .one().n;
    if (rest > 0) await this.ctx.storage.setAlarm(Date.now() + SWEEP_INTERVAL_MS);
  }

  #read(key) {
    const [entry] = this.sql
      .exec(
        `SELECT metadata, expires_at FROM entries
         WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)`,
        key,
        nowSeconds(),
      )
      .toArray();
    if (!entry) return null;
    const chunks = this.sql
      .exec("SELECT bytes FROM chunks WHERE key = ? ORDER BY part", key)
      .toArray();
    return { bytes: joined(chunks), metadata: entry.metadata, expiresAt: entry.expires_at };
  }

  #remove(key) {
    this.sql.exec("DELETE FROM entries WHERE key = ?", key);
    this.sql.exec("DELETE FROM chunks WHERE key = ?", key);
  }
}

function keyOf(url) {
  let key = url.pathname.slice(1);
  try {
    if (url.searchParams.get("urlencoded") === "true") key = decodeURIComponent(key);
  } catch {
    throw new Refused(400, "the key is not URL-encoded");
  }
  if (key === "" || key === "." || key === "..") throw new Refused(400, "not a key");
  if (byteLength(key) > MAX_KEY_BYTES) {
    throw new Refused(414, `a key is limited to ${MAX_KEY_BYTES} bytes`);
  }
  return key;
}

function expiryOf(params) {
  const ttl = params.get("expiration_ttl");
  const at = params.get("expiration");
  if (ttl === null && at === null) return null;
  const now = nowSeconds();
  const expiresAt = ttl === null ? Number(at) : now + Number(ttl);
  if (!Number.isInteger(expiresAt) || expiresAt < now + MIN_TTL_SECONDS) {
    throw new Refused(400, `an entry lives for at least ${MIN_TTL_SECONDS} seconds`);
  }
  return expiresAt;
}

function decode({ bytes, metadata }, type, withMetadata) {
  const text = new TextDecoder().decode(bytes);
  let value = text;
  try {
    if (type === "json") value = JSON.parse(text);
  } catch {
    throw new Refused(400, "a value is not JSON");
  }
  return withMetadata
    ? { value, metadata: metadata === null ? null : JSON.parse(metadata) }
    : value;
}

function joined(chunks) {
  const parts = chunks.map((chunk) => new Uint8Array(chunk.bytes));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

function nowSeconds() {
  return Math.floor(Date.now() / 1000);
}
