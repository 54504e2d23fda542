// `npm run workerd`: the engine on plain workerd, without wrangler: the way to host it
// oneself. Same bundle, storage on the local disk.

import { build } from "./build.mjs";
import { requireFreePort, runMain } from "./process.mjs";
import { loadSecrets } from "./secrets.mjs";
import { startWorkerd } from "./selfhost/config.mjs";
import { interruption, serviceSettings, unexpectedEnd } from "./service.mjs";
import { setup } from "./setup.mjs";

const HELP = `npm run workerd: build the Worker and serve it on plain workerd

  --no-build   serve what was built before; needs neither Rust nor the network

Environment:
  PORT            where the engine listens (8787)
  HOST            the address to listen on (127.0.0.1)
  DATA_DIR        where data and generated secrets are kept (.data)
  ADMIN_TOKEN     the operator token; generated once when not given
  KEY_SECRET      signs the API keys; generated once when not given
  ORIGIN_ADDRESS  host:port of the service behind the gate (binding ORIGIN)
  KEY_SECRET_PREVIOUS, CORS_ORIGINS  optional, see wrangler.toml
  STRIPE_SECRET_KEY, STRIPE_TEST_SECRET_KEY, STRIPE_WEBHOOK_SECRET,
  STRIPE_TEST_WEBHOOK_SECRET, STRIPE_API_BASE  optional, see docs/stripe.md
`;

async function main() {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    return console.log(HELP);
  }
  const { port, dataDir } = serviceSettings();
  const host = process.env.HOST || "127.0.0.1";
  await requireFreePort(port, host, "Set PORT to another one.");
  if (!process.argv.includes("--no-build")) {
    await setup();
    await build();
  }
  const interrupted = interruption();
  const env = loadSecrets(dataDir);
  const originAddress = process.env.ORIGIN_ADDRESS || undefined;
  const workerd = await startWorkerd({ port, host, dataDir, originAddress, env });
  const died = unexpectedEnd(workerd.child, "workerd");
  console.log(`\nedge-credits is ready on ${workerd.url} (Ctrl-C ends it)`);
  console.log(`data and secrets: ${dataDir}`);
  try {
    await Promise.race([interrupted, died]);
    console.log("\nstopping");
  } finally {
    died.catch(() => {});
    await workerd.stop();
  }
}

await runMain(main);
