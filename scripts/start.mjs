// `npm start`: from a bare clone to a running engine with a demo in it.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { demoCommands, makeDemo } from "./demo.mjs";
import { startDemoOrigin } from "./demo-origin.mjs";
import { requireFreePort, runMain, signalGroup, stopGroup, waitUntilHealthy } from "./process.mjs";
import { loadSecrets, writeEnvFile } from "./secrets.mjs";
import { interruption, serviceSettings, unexpectedEnd } from "./service.mjs";
import { setup } from "./setup.mjs";
import { NODE, ROOT, toolEnv, WRANGLER } from "./toolchain.mjs";

const HOST = "127.0.0.1";
// A cold start of wrangler on a busy machine; it usually takes a few seconds.
const READY_DEADLINE_MS = 120_000;

const HELP = `npm start: build the Worker, run it with wrangler dev and put a demo into it

Environment:
  PORT         where the engine listens (8787); the demo's origin takes the next port
  DATA_DIR     where data, generated secrets and the demo's keys are kept (.data)
  ADMIN_TOKEN  the operator token; generated once when not given
  KEY_SECRET   signs the API keys; generated once when not given
  KEY_SECRET_PREVIOUS, CORS_ORIGINS  optional, see wrangler.toml
  STRIPE_SECRET_KEY, STRIPE_TEST_SECRET_KEY, STRIPE_WEBHOOK_SECRET,
  STRIPE_TEST_WEBHOOK_SECRET, STRIPE_API_BASE  optional, see docs/stripe.md
`;

async function main() {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    return console.log(HELP);
  }
  const { port, dataDir } = serviceSettings();
  const remedy = `Set PORT to another one; the engine takes PORT and its demo origin PORT+1.`;
  await requireFreePort(port, HOST, remedy);
  await requireFreePort(port + 1, HOST, remedy);
  await setup();
  await build();

  const interrupted = interruption();
  const secrets = loadSecrets(dataDir);
  const origin = await startDemoOrigin(port + 1, HOST);
  const wrangler = startWrangler(port, dataDir, writeEnvFile(dataDir, secrets));
  const died = unexpectedEnd(wrangler.child, "wrangler dev");
  try {
    const ready = prepare(port, dataDir, String(secrets.ADMIN_TOKEN), wrangler.child);
    const first = await Promise.race([ready, interrupted, died]);
    if (typeof first === "object") {
      announce(first, dataDir);
      wrangler.show();
      await Promise.race([interrupted, died]);
    }
    console.log("\nstopping");
  } catch (error) {
    wrangler.explain();
    throw error;
  } finally {
    died.catch(() => {});
    origin.close();
    origin.closeAllConnections?.();
    await stopGroup(wrangler.child);
  }
}

/**
 * @param {number} port
 * @param {string} dataDir
 * @param {string} operatorToken
 * @param {import("node:child_process").ChildProcess} child
 */
async function prepare(port, dataDir, operatorToken, child) {
  const url = `http://${HOST}:${port}`;
  console.log(`start: waiting for wrangler dev on ${url}`);
  const deadlineMs = READY_DEADLINE_MS;
  await waitUntilHealthy(`${url}/healthz`, { child, deadlineMs, what: "wrangler dev" });
  const originUrl = `http://${HOST}:${port + 1}`;
  const key = await makeDemo({ url, dataDir, operatorToken, originUrl });
  return { url, key };
}

/**
 * @param {{ url: string, key: string }} demo
 * @param {string} dataDir
 */
function announce({ url, key }, dataDir) {
  console.log(`\nedge-credits is ready on ${url} (Ctrl-C ends it)`);
  console.log(`project keys: ${join(dataDir, "demo.json")}`);
  console.log(`operator token: ${join(dataDir, "secrets.env")}, unless you gave ADMIN_TOKEN\n`);
  for (const [title, command] of demoCommands(url, key)) console.log(`# ${title}\n${command}\n`);
}

/**
 * wrangler's output goes to a log; it is shown once the three commands are, so that they
 * are not scrolled away by a banner, or when something went wrong.
 * @param {number} port
 * @param {string} dataDir
 * @param {string} envFile
 */
function startWrangler(port, dataDir, envFile) {
  const state = join(dataDir, "wrangler");
  mkdirSync(state, { recursive: true });
  const logPath = join(dataDir, "wrangler.log");
  const log = createWriteStream(logPath);
  const args = ["dev", "--local", "--ip", HOST, "--port", String(port), "--persist-to", state];
  args.push("--env-file", envFile, "--show-interactive-dev-session=false");
  const child = spawn(NODE, [WRANGLER, ...args], {
    cwd: ROOT,
    // A group of its own: wrangler starts programs that outlive it when it is killed.
    detached: true,
    env: toolEnv(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.once("exit", () => signalGroup(child, "SIGKILL"));
  let isShown = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      log.write(text);
      if (isShown) process.stdout.write(text);
    });
  }
  return {
    child,
    show: () => {
      isShown = true;
    },
    explain: () => {
      const tail = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-30);
      console.error(`The end of ${logPath}:\n${tail.join("\n")}\n`);
    },
  };
}

await runMain(main);
