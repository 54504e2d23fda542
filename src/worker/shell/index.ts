// The Worker's entry: it hands requests to the engine and performs what the engine asks
// for. It does I/O and nothing else; every decision is Rust's.

import { now, setClock } from "./clock";
import { answerPreflight, withCors } from "./cors";
import { perform, performInBackground } from "./effects";
import { call, configure, currentGeneration } from "./engine";
import type { Env } from "./env";
import { isGated, mayHaveBody, NO_BODY, newRequestId, readBody, readHead, respond } from "./http";

export { LedgerObject } from "./ledger";
export { ProjectObject, RegistryObject } from "./project";

/** A request on its way: what effects need of it, and what they bring back. */
export interface Task {
  request: Request;
  env: Env;
  context: ExecutionContext;
  requestId: string;
  /** The origin's answer, once there is one. */
  origin?: Response;
  /** Ends the platform's wait for this task, if it was asked to wait. */
  finish?: () => void;
}

let lastTask = 0;

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    setClock(env);
    const task: Task = { request, env, context, requestId: newRequestId() };
    return env.CORS_ORIGINS ? answerWithCors(task, env.CORS_ORIGINS) : answer(task);
  },
} satisfies ExportedHandler<Env>;

async function answerWithCors(task: Task, origins: string): Promise<Response> {
  const preflight = task.request.method === "OPTIONS" && answerPreflight(task.request, origins);
  return preflight || withCors(task.request, await answer(task), origins);
}

async function answer(task: Task): Promise<Response> {
  const { env, requestId } = task;
  let generation = currentGeneration();
  try {
    const body = mayHaveBody(task.request) ? await readBody(task.request) : NO_BODY;
    configure(env);
    generation = currentGeneration();
    lastTask = (lastTask + 1) >>> 0;
    const number = lastTask;
    const head = readHead(task.request, requestId);
    let step = call((engine) => engine.begin(number, head, body, now()));
    for (;;) {
      if (step.charCodeAt(0) === BACKGROUND) {
        performInBackground(env, task.context);
        step = step.slice(1);
      }
      if (step.charCodeAt(0) === ANSWER) return respond(step, task);
      seeThrough(step, task);
      const reply = await perform(step, task);
      // The instance that began this request is gone, and its flow with it.
      if (currentGeneration() !== generation) throw new Error("the engine was restarted");
      step = call((engine) => engine.resume(number, reply));
    }
  } catch (error) {
    console.error(`${requestId} ${error instanceof Error ? error.message : "failed"}`);
    // A second failure is the platform's to answer.
    const wasRestarted = currentGeneration() !== generation;
    return respond(
      call((engine) => engine.failed_answer(wasRestarted)),
      task,
    );
  } finally {
    task.finish?.();
  }
}

/**
 * Keeps a task running although its caller hangs up: a charge must not be left without its
 * refund, nor a revocation half done. A call to one ledger needs no such care, since it is
 * done wholly or not at all, and it is by far the most frequent.
 */
function seeThrough(step: string, task: Task): void {
  const code = step.charCodeAt(0);
  if (task.finish !== undefined) return;
  const isOneLedgerCall =
    (code === LEDGER_BY_NAME || code === LEDGER_BY_ID) && !isGated(task.request.url);
  if (isOneLedgerCall) return;
  task.context.waitUntil(
    new Promise<void>((resolve) => {
      task.finish = resolve;
    }),
  );
}

const BACKGROUND = "+".charCodeAt(0);
const LEDGER_BY_NAME = "L".charCodeAt(0);
const LEDGER_BY_ID = "I".charCodeAt(0);
const ANSWER = "A".charCodeAt(0);
