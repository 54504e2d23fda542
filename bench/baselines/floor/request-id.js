// An id that no other request has: random per isolate, then counted.

let prefix = "";
let count = 0;

export function newRequestId() {
  // Randomness is only to be had within a request.
  prefix ||= crypto.randomUUID().replaceAll("-", "").slice(0, 20);
  count += 1;
  return `req_${prefix}${count.toString(36)}`;
}
