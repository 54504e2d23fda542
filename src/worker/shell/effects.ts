// Performs what a flow in the engine waits for. The texts are those of `Effect::to_text`;
// a reply that begins with `!` says why there is none.

import { now } from "./clock";
import { call } from "./engine";
import type { Callable, Env } from "./env";
import { callLedgers } from "./importer";
import type { Task } from "./index";
import { Input } from "./stream";
import { callStripe } from "./stripe";

/** An object that has not answered by then is not waited for. */
const OBJECT_DEADLINE_MS = 10_000;
/** Nor is KV: its answer is never needed. */
export const KV_DEADLINE_MS = 1_000;

/** Ids that an isolate remembers; beyond it starts anew. */
const MOST_LEDGER_IDS = 4_096;
const ledgerIds = new Map<string, DurableObjectId>();

/** Between the names of objects that are called at once: no name has it. */
const BETWEEN_NAMES = "\x1e";

/** What the gated service must never see: the key, and names that only the gate may set. */
const HELD_BACK = [
  "Authorization",
  "X-Deployment-Id",
  "X-Deployment-Secret",
  "X-Customer-Id",
  "X-Credits-Transaction",
  "X-Credits-Remaining",
  "X-Credits-Cost",
];

export function perform(effect: string, task: Task): Promise<string> | string {
  const { env } = task;
  switch (effect[0]) {
    case "G":
      return readKv(env, effect.slice(1));
    case "$":
      return callStripe(env, effect.slice(1));
    case "F":
      return forward(effect, task);
    case "N":
      return nextLines(effect, task);
    case "Y":
      // Calls between objects on one machine alone would keep the network waiting.
      return new Promise((turn) => setTimeout(() => turn(""), 0));
    case "T":
      return task.output?.write(effect.slice(effect.indexOf("\n") + 1)) ?? "!gone";
    default:
      return performCall(effect, env);
  }
}

function nextLines(effect: string, task: Task): Promise<string> {
  const [size, longest] = effect.slice(1).split("\n");
  task.input ??= new Input(task.request);
  return task.input.next(Number(size), Number(longest));
}

/** A ledger's id: the platform makes it by a hash of the name. */
function ledgerId(env: Env, name: string): DurableObjectId {
  let id = ledgerIds.get(name);
  if (id === undefined) {
    id = env.LEDGER.idFromName(name);
    if (ledgerIds.size >= MOST_LEDGER_IDS) ledgerIds.clear();
    ledgerIds.set(name, id);
  }
  return id;
}

/** Calls the objects that an effect names. */
export function performCall(effect: string, env: Env): Promise<string> | string {
  const line = effect.indexOf("\n");
  const name = effect.slice(1, line);
  const message = effect.slice(line + 1);
  switch (effect[0]) {
    case "L":
    case "l":
      return callObject(env.LEDGER, ledgerId(env, name), message);
    case "I":
      return callById(env.LEDGER, name, message);
    case "P":
      return callObject(env.PROJECT, env.PROJECT.idFromName(name), message);
    case "R":
      return callObject(env.REGISTRY, env.REGISTRY.idFromName("registry"), message);
    case "M":
      return callLedgers(env, name, message);
    case "E":
      return callAll(env.EVENTS, name.split(BETWEEN_NAMES), message);
    case "U":
      return callAll(env.ROLLUP, name.split(BETWEEN_NAMES), message);
    default:
      return "!failed";
  }
}

/** Performs the effects that no request waits for, after the response. */
export function performInBackground(env: Env, context: ExecutionContext): void {
  for (;;) {
    const effect = call((engine) => engine.next_background());
    if (effect === undefined) return;
    context.waitUntil(
      effect[0] === "W" ? writeKv(env, effect) : refreshRecord(env, effect.slice(1)),
    );
  }
}

async function refreshRecord(env: Env, key: string): Promise<void> {
  const reply = await readKv(env, key);
  call((engine) => engine.record_refreshed(key, reply, now()));
}

async function writeKv(env: Env, effect: string): Promise<void> {
  const [ttl = "", key = ""] = effect.slice(1).split("\n", 2);
  const value = effect.slice(1 + ttl.length + 1 + key.length + 1);
  try {
    await within(KV_DEADLINE_MS, env.CREDITS_KV.put(key, value, { expirationTtl: Number(ttl) }));
  } catch (error) {
    // A cached balance that was not written is read from its ledger again.
    console.error(`KV did not take a cached balance: ${message(error)}`);
  }
}

async function readKv(env: Env, key: string): Promise<string> {
  try {
    const value = await within(KV_DEADLINE_MS, env.CREDITS_KV.get(key));
    return value === null ? "-" : `=${value}`;
  } catch (error) {
    console.error(`KV did not answer: ${message(error)}`);
    return "!failed";
  }
}

function callById(
  objects: DurableObjectNamespace<Callable>,
  id: string,
  text: string,
): Promise<string> | string {
  let object: DurableObjectId;
  try {
    object = objects.idFromString(id);
  } catch {
    // Not an id of this namespace: nobody's transaction.
    return "!unknown";
  }
  return callObject(objects, object, text);
}

export function callObject(
  objects: DurableObjectNamespace<Callable>,
  id: DurableObjectId,
  text: string,
): Promise<string> {
  // A stub is made anew each time: after an exception the old one is of no use.
  return within(OBJECT_DEADLINE_MS, objects.get(id).call(text)).catch((error: unknown) => {
    console.error(`an object did not answer: ${message(error)}`);
    return isOverloaded(error) ? "!overloaded" : "!broken";
  });
}

/** Calls several objects at once; a line for each reply, none of which has a line break. */
async function callAll(
  objects: DurableObjectNamespace<Callable>,
  names: string[],
  text: string,
): Promise<string> {
  const replies = names.map((name) => callObject(objects, objects.idFromName(name), text));
  return (await Promise.all(replies)).join("\n");
}

async function forward(effect: string, task: Task): Promise<string> {
  const { request, env } = task;
  const [origin = "", path = "/", ...lines] = effect.slice(1).split("\n");
  const headers = new Headers(request.headers);
  for (const name of HELD_BACK) headers.delete(name);
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const init: RequestInit = {
    method: request.method,
    headers,
    body: hasBody ? request.body : null,
    redirect: "manual",
  };
  try {
    if (origin === "" && env.ORIGIN === undefined)
      throw new Error("the rule names no origin and ORIGIN is not bound");
    task.origin = await (origin === ""
      ? (env.ORIGIN as Fetcher).fetch(`http://origin${path}`, init)
      : fetch(`${origin}${path}`, init));
    return `${task.origin.status}\n${task.origin.headers.get("X-Credits-Cost") ?? ""}`;
  } catch (error) {
    console.error(`the origin could not be reached: ${message(error)}`);
    return "!network";
  }
}

/** The platform's own word that an object has too much to do; only then it is set. */
function isOverloaded(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "overloaded" in error &&
    error.overloaded === true
  );
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}

/** A promise, or an error when it takes too long. */
export function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no answer within ${deadlineMs} ms`));
    const timer = setTimeout(late, deadlineMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
