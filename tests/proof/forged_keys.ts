// Keys made without the engine, from the description of their layout: to see what is believed.

import { createHmac } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BLOCK_BYTES = 8;
/** Digits for a block of 0 to 8 bytes. */
const WIDTHS = [0, 2, 3, 5, 6, 7, 9, 10, 11];
const TAG_BYTES = 16;
const SCOPES_AT = 1;
export const PREFIX_LENGTH = "ce_live_".length;

function encode(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    let value = block.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    let digits = "";
    for (let place = WIDTHS[block.length] ?? 0; place > 0; place -= 1) {
      digits = DIGITS.charAt(Number(value % 62n)) + digits;
      value /= 62n;
    }
    text += digits;
  }
  return text;
}

function decode(text: string): Buffer {
  const bytes: number[] = [];
  for (let start = 0; start < text.length; start += 11) {
    const digits = text.slice(start, start + 11);
    let value = [...digits].reduce((sum, digit) => sum * 62n + BigInt(DIGITS.indexOf(digit)), 0n);
    const block: number[] = [];
    for (let n = WIDTHS.indexOf(digits.length); n > 0; n -= 1) {
      block.unshift(Number(value % 256n));
      value /= 256n;
    }
    bytes.push(...block);
  }
  return Buffer.from(bytes);
}

interface Parts {
  prefix: string;
  payload: Buffer;
  tag: Buffer;
}

export function partsOf(key: string): Parts {
  const bytes = decode(key.slice(PREFIX_LENGTH));
  return {
    prefix: key.slice(0, PREFIX_LENGTH),
    payload: bytes.subarray(0, -TAG_BYTES),
    tag: bytes.subarray(-TAG_BYTES),
  };
}

export function join({ prefix, payload, tag }: Parts): string {
  return prefix + encode(Buffer.concat([payload, tag]));
}

/** The same key as a holder of this secret would have signed it. */
export function signedBy(secret: string, key: string): string {
  const { prefix, payload } = partsOf(key);
  const tag = createHmac("sha256", secret).update(prefix).update(payload).digest();
  return join({ prefix, payload, tag: tag.subarray(0, TAG_BYTES) });
}

/** A key with its tag kept and its scopes made all. */
export function widened(key: string): string {
  const parts = partsOf(key);
  const payload = Buffer.from(parts.payload);
  payload[SCOPES_AT] = 15;
  return join({ ...parts, payload });
}

/** One key's payload under another key's tag. */
export function grafted(payloadOf: string, tagOf: string): string {
  return join({ ...partsOf(payloadOf), tag: partsOf(tagOf).tag });
}

/** A key with its tag cut to some bytes. */
export function withTagOf(bytes: number, key: string): string {
  const parts = partsOf(key);
  return join({ ...parts, tag: parts.tag.subarray(0, bytes) });
}
