// The Worker's entry: it hands requests to the engine and performs what the engine asks
// for. It does I/O and nothing else; every decision is Rust's.

import { now, setClock } from "./clock";
import { answerPreflight, withCors } from "./cors";
import { perform, performInBackground } from "./effects";
import { call, configure, currentGeneration } from "./engine";
import type { Env } from "./env";
import {
  BROKEN,
  isEnd,
  isGated,
  isPlainReply,
  mayHaveBody,
  NO_BODY,
  newRequestId,
  pathOf,
  readBody,
  readHead,
  respond,
  targetOf,
} from "./http";
import { type Input, Output } from "./stream";

export { EventsObject } from "./events";
export { ImporterObject } from "./importer";
export { LedgerObject } from "./ledger";
export { ProjectObject, RegistryObject, RollupObject } from "./project";

/** A request on its way: what effects need of it, and what they bring back. */
export interface Task {
  request: Request;
  /** The request's method and its path with query, as sent: each read costs a call of the platform. */
  method: string;
  target: string;
  env: Env;
  context: ExecutionContext;
  requestId: string;
  /** The origin's answer, once there is one. */
  origin?: Response;
  /** The request's body, if it is read on demand. */
  input?: Input;
  /** The response's body, if it is streamed. */
  output?: Output;
  /** Ends the platform's wait for this task, if it was asked to wait. */
  finish?: () => void;
}

/** A task's flow in the engine. */
interface Flow {
  task: Task;
  number: number;
  /** The instance of the engine that it runs in. */
  generation: number;
}

let lastTask = 0;

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    setClock(env);
    const { method } = request;
    const target = targetOf(request.url);
    const task: Task = { request, method, target, env, context, requestId: newRequestId() };
    return env.CORS_ORIGINS ? answerWithCors(task, env.CORS_ORIGINS) : answer(task);
  },
} satisfies ExportedHandler<Env>;

async function answerWithCors(task: Task, origins: string): Promise<Response> {
  const preflight = task.request.method === "OPTIONS" && answerPreflight(task.request, origins);
  return preflight || withCors(task.request, await answer(task), origins);
}

async function answer(task: Task): Promise<Response> {
  const flow: Flow = { task, number: 0, generation: currentGeneration() };
  try {
    const body = mayHaveBody(task) ? await readBody(task) : NO_BODY;
    if (body === BROKEN) return respond(failure("broken", task), task);
    configure(task.env);
    flow.generation = currentGeneration();
    lastTask = (lastTask + 1) >>> 0;
    flow.number = lastTask;
    const head = readHead(task);
    const step = await drive(
      flow,
      call((engine) => engine.begin(flow.number, head, body, now())),
    );
    if (step.charCodeAt(0) !== STREAM) return respond(step, task);
    task.output = new Output();
    finishStream(flow, task.output);
    return respond(step, task);
  } catch (error) {
    return fail(flow, error);
  } finally {
    if (task.output === undefined) task.finish?.();
  }
}

/** Performs what a flow waits for until it answers or begins to stream: gives that step. */
async function drive({ task, number, generation }: Flow, first: string): Promise<string> {
  let step = first;
  for (;;) {
    if (step.charCodeAt(0) === BACKGROUND) {
      performInBackground(task.env, task.context);
      step = step.slice(1);
    }
    if (step.charCodeAt(0) === ANSWER || step.charCodeAt(0) === STREAM) return step;
    seeThrough(step, task);
    const reply = await perform(step, task);
    if (step.charCodeAt(0) === ANSWER_OF_LEDGER && isPlainReply(reply)) {
      call((engine) => engine.answered(number));
      return reply;
    }
    // The instance that began this request is gone, and its flow with it.
    if (currentGeneration() !== generation) throw new Error("the engine was restarted");
    step = call((engine) => engine.resume(number, reply));
  }
}

/** Goes on with a flow whose response is under way. */
async function finishStream(flow: Flow, output: Output): Promise<void> {
  const { task, number } = flow;
  try {
    const last = await drive(
      flow,
      call((engine) => engine.resume(number, "")),
    );
    if (!isEnd(last)) throw new Error("an answer was broken off: its flow failed");
    await output.close();
  } catch (error) {
    // Not for a caller who left.
    if (!output.isGone && !task.input?.isBroken) logFailure(task, error);
    output.abort();
  } finally {
    task.input?.cancel();
    task.finish?.();
  }
}

function fail({ task, generation }: Flow, error: unknown): Response {
  logFailure(task, error);
  // A second failure is the platform's to answer.
  const wasRestarted = currentGeneration() !== generation;
  return respond(failure(wasRestarted ? "restarted" : "failed", task), task);
}

function failure(cause: "restarted" | "broken" | "failed", { target }: Task): string {
  return call((engine) => engine.failed_answer(cause, pathOf(target)));
}

function logFailure({ requestId }: Task, error: unknown): void {
  console.error(`${requestId} ${error instanceof Error ? error.message : "failed"}`);
}

/**
 * Keeps a task running although its caller hangs up: a charge must not be left without its
 * refund, nor a revocation half done. A call to one ledger needs no such care, since it is
 * done wholly or not at all, and it is by far the most frequent. Nor does a body that is
 * streamed out, which nobody reads then, or one that is streamed in: each of its rows is done
 * or not, and sent again does no harm.
 */
function seeThrough(step: string, task: Task): void {
  const code = step.charCodeAt(0);
  if (task.finish !== undefined) return;
  const isOneLedgerCall =
    code === ANSWER_OF_LEDGER ||
    ((code === LEDGER_BY_NAME || code === LEDGER_BY_ID) && !isGated(task.target));
  if (isOneLedgerCall || STREAMED.has(code)) return;
  task.context.waitUntil(
    new Promise<void>((resolve) => {
      task.finish = resolve;
    }),
  );
}

const BACKGROUND = "+".charCodeAt(0);
const ANSWER_OF_LEDGER = "l".charCodeAt(0);
const LEDGER_BY_NAME = "L".charCodeAt(0);
const LEDGER_BY_ID = "I".charCodeAt(0);
/** Many ledgers, next lines, write. */
const STREAMED = new Set(["M", "N", "T"].map((letter) => letter.charCodeAt(0)));
const ANSWER = "A".charCodeAt(0);
const STREAM = "S".charCodeAt(0);
