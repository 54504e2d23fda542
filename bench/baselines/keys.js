// Keys of the hand-written Workers: a project's name and an HMAC over it. One that was verified
// is remembered in the isolate.

const KEY = /^Bearer (bl_([A-Za-z0-9-]{1,64})\.([A-Za-z0-9_-]{43}))$/;
const MAX_REMEMBERED = 10_000;

const encoder = new TextEncoder();
const projectsByKey = new Map();
let signingKey;

/** Of a key that was verified before. */
export function projectOf(authorization) {
  return projectsByKey.get(authorization);
}

/** WebCrypto's verify compares in constant time. */
export async function verify(authorization, env) {
  const [, , project, tag] = KEY.exec(authorization ?? "") ?? [];
  if (!project) return null;
  signingKey ??= await crypto.subtle.importKey(
    "raw",
    encoder.encode(env.KEY_SECRET),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const bytes = Uint8Array.from(atob(tag.replaceAll("-", "+").replaceAll("_", "/")), (c) =>
    c.charCodeAt(0),
  );
  if (!(await crypto.subtle.verify("HMAC", signingKey, bytes, encoder.encode(project))))
    return null;
  remember(projectsByKey, authorization, project);
  return project;
}

export function remember(map, key, value) {
  if (map.size >= MAX_REMEMBERED) map.clear();
  map.set(key, value);
}
