// Finds secrets in bytes, in whatever way they are written there.

/** Of an API key the end is searched for: the tag is in it, and a piece of a key betrays too. */
const KEY_END = 20;
const API_KEY = /^c[ek]_(live|test)_/;

interface Needle {
  name: string;
  bytes: Buffer;
}

/** The ways to write a secret, each as the text that is surely there wherever it stands. */
export function spellings(secret: string): Map<string, Buffer> {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const escaped = hex.replace(/../g, "%$&");
  const found = new Map([
    ["as it is", bytes],
    ["in UTF-16", Buffer.from(secret, "utf16le")],
    ["in JSON", Buffer.from(JSON.stringify(secret).slice(1, -1))],
    ["in hex", Buffer.from(hex)],
    ["in HEX", Buffer.from(hex.toUpperCase())],
    ["percent-encoded", Buffer.from(encodeURIComponent(secret))],
    ["in a form", Buffer.from(new URLSearchParams({ x: secret }).toString().slice(2))],
    ["percent-encoded throughout", Buffer.from(escaped)],
    ["PERCENT-encoded throughout", Buffer.from(escaped.toUpperCase())],
    ["backwards", Buffer.from([...secret].reverse().join(""))],
  ]);
  for (const alphabet of ["base64", "base64url"] as const) {
    // What stands before it moves the letters, and what comes after changes the last ones.
    for (const before of [0, 1, 2]) {
      const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
      const whole = Math.floor(((before + bytes.length) * 8) / 6);
      const part = text.slice(Math.ceil((before * 8) / 6), whole);
      found.set(`in ${alphabet}, ${before} bytes in`, Buffer.from(part));
    }
  }
  return found;
}

export class SecretSearch {
  readonly #needles = new Map<number, Needle[]>();
  /** Which first two bytes any of them has: most places are passed over by this. */
  readonly #beginnings = new Uint8Array(65_536);
  readonly #known = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  add(name: string, secret: string): void {
    if (this.#known.has(secret)) return;
    this.#known.add(secret);
    const telling = API_KEY.test(secret) ? secret.slice(-KEY_END) : secret;
    for (const [how, bytes] of spellings(telling)) {
      const first = bytes.readUInt32LE(0);
      const others = this.#needles.get(first) ?? [];
      this.#needles.set(first, [...others, { name: `${name} ${how}`, bytes }]);
      this.#beginnings[first & 0xffff] = 1;
    }
  }

  /** What is in some bytes, by name. */
  in(bytes: Buffer): string[] {
    const found = new Set<string>();
    for (let at = 0; at + 4 <= bytes.length; at += 1) {
      const two = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      if (this.#beginnings[two] === 0) continue;
      for (const needle of this.#needles.get(bytes.readUInt32LE(at)) ?? [])
        if (bytes.subarray(at, at + needle.bytes.length).equals(needle.bytes))
          found.add(needle.name);
    }
    return [...found];
  }
}
