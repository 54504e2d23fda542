// The calls that every runtime makes against a real engine, through the packed package. Plain
// JavaScript without imports, so that any runtime and any bundler can take it as it is. Gives
// what came of it as plain data; `expected` says what it must be.

/**
 * @typedef {object} Setting who calls, and where
 * @property {string} apiKey a project's key
 * @property {string} [baseUrl]
 * @property {string} customer a customer that nobody else uses, not there yet
 * @property {string} owner another one, who has 5 credits
 * @property {string} ownKey a key of that one
 */

/**
 * @param {Record<string, any>} packages the exports of the package, as `main`, and of its subpaths
 * @param {Setting} setting
 * @param {unknown} [fetcher] a service binding
 */
export async function everything(packages, setting, fetcher) {
  return {
    calls: await scenario(packages.main, setting, fetcher),
    surfaces: await surfaces(packages, setting, fetcher),
  };
}

/** @param {string} runtime what is to be detected */
export function expected(runtime) {
  return { calls: { ...EXPECTED, runtime }, surfaces: EXPECTED_SURFACES };
}

/** @type {(main: any, setting: Setting, fetcher: unknown) => Promise<object>} */
async function scenario(main, { apiKey, baseUrl, customer }, fetcher) {
  const { CreditEngine, CreditEngineError, InsufficientCreditsError } = main;
  // A real page must not hold such a key; without this a browser's would be refused it.
  const dangerouslyAllowBrowser = true;
  const engine = new CreditEngine({ apiKey, baseUrl, fetcher, dangerouslyAllowBrowser });
  const added = await engine.add(customer, "10.5", { description: "first" });
  const charged = await engine.consume(customer, 0.3, "three tenths", { metadata: { run: 1 } });
  const key = { idempotencyKey: "once" };
  const once = await engine.consume(customer, 0.1, "a tenth", key);
  const again = await engine.consume(customer, 0.1, "a tenth", key);
  const refused = await engine.consume(customer, 1_000);
  const thrown = await charging(engine, customer).catch((/** @type {any} */ e) => e);
  const frame = thrown.stack.split("\n").find((/** @type {string} */ line) => / at /.test(line));
  const unknown = await engine.getBalance(`${customer}-nobody`).catch((/** @type {any} */ e) => e);
  const invalid = await engine.consume(customer, 1e-7).catch((/** @type {any} */ e) => e);
  const { balance, available, held } = await engine.getBalance(customer);
  const { data, pagination } = await engine.getTransactions(customer, { limit: 2 });
  await engine.destroy();
  return {
    runtime: engine.runtime,
    mode: engine.mode,
    added: added.balance,
    charged: [charged.success, charged.balance, charged.amount, charged.replayed],
    once: [once.balance, once.replayed],
    again: [again.balance, again.replayed, again.transactionId === once.transactionId],
    refused,
    thrown: [
      thrown instanceof InsufficientCreditsError,
      thrown instanceof CreditEngineError,
      thrown instanceof Error,
      thrown.name,
      thrown.code,
      thrown.status,
      thrown.currentBalance,
      thrown.requested,
    ],
    // Whatever a minifier has made of the name.
    begins: frame.includes(` ${charging.name} (`) || frame,
    unknown: [unknown.name, unknown.code, unknown.status, typeof unknown.requestId],
    invalid: [invalid.name, invalid.code],
    balance: [balance, available, held],
    newest: data.map((/** @type {any} */ row) => [row.type, row.amount, row.description]),
    total: pagination.total,
  };
}

/** @type {(engine: any, customer: string) => Promise<object>} */
async function charging(engine, customer) {
  return engine.consumeOrFail(customer, 1_000);
}

/**
 * One call of each subpath.
 * @type {(packages: Record<string, any>, setting: Setting, fetcher: unknown) => Promise<object>}
 */
async function surfaces(packages, { apiKey, baseUrl, owner, ownKey }, fetcher) {
  const { main, credly, hiveforge, openrouter, predev, gate } = packages;
  const project = { apiKey, baseUrl, fetcher, dangerouslyAllowBrowser: true };
  const own = { baseUrl, fetcher };
  const deployment = { ...own, deploymentId: owner, deploymentSecret: ownKey };
  const router = new openrouter.OpenRouter({ fetcher, serverURL: baseUrl, apiKey: ownKey });
  const before = {
    hiveforge: await new hiveforge.HiveForgeClient(deployment).credits.getBalance(),
    openrouter: await router.credits.getCredits(),
    predev: await predev.getCreditsBalance(ownKey, own),
  };
  const handler = gate.withCredits(async () => new Response("a drawing"), {
    engine: new main.CreditEngine(project),
    customer: () => owner,
    cost: 2,
  });
  const drawn = await handler(new Request("https://app.example.com/draw"));
  const user = await credly.createClient(project).getUser(owner);
  return {
    hiveforge: before.hiveforge.totalAvailable,
    openrouter: before.openrouter.data,
    predev: before.predev,
    gate: [drawn.status, drawn.headers.get("X-Credits-Remaining"), await drawn.text()],
    credly: [user.user_id === owner, user.balance],
  };
}

const EXPECTED_SURFACES = {
  hiveforge: 5,
  openrouter: { totalCredits: 5, totalUsage: 0 },
  predev: { success: true, creditsRemaining: 5 },
  gate: [200, "3", "a drawing"],
  credly: [true, 3],
};

const EXPECTED = {
  mode: "stateless",
  added: 10.5,
  charged: [true, 10.2, 0.3, false],
  once: [10.1, false],
  again: [10.1, true, true],
  refused: { success: false, balance: 10.1, shortfall: 989.9 },
  thrown: [true, true, true, "InsufficientCreditsError", "insufficient_credits", 402, 10.1, 1_000],
  begins: true,
  unknown: ["CreditEngineError", "not_found", 404, "string"],
  invalid: ["CreditEngineError", "invalid_amount"],
  balance: [10.1, 10.1, 0],
  newest: [
    ["consumption", -0.1, "a tenth"],
    ["consumption", -0.3, "three tenths"],
  ],
  total: 3,
};
