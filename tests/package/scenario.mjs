// The calls that every runtime makes against a real engine, through the packed package. Plain
// JavaScript without imports, so that any runtime and any bundler can take it as it is. Gives
// what came of it as plain data; `EXPECTED` is what it must be.

/**
 * @param {any} edgeCredits the package's exports
 * @param {{ apiKey: string, baseUrl?: string, fetcher?: unknown }} options
 * @param {string} customer a customer that nobody else uses, not there yet
 */
export async function scenario(edgeCredits, options, customer) {
  const { CreditEngine, CreditEngineError, InsufficientCreditsError } = edgeCredits;
  const engine = new CreditEngine(options);
  const added = await engine.add(customer, "10.5", { description: "first" });
  const charged = await engine.consume(customer, 0.3, "three tenths", { metadata: { run: 1 } });
  const key = { idempotencyKey: "once" };
  const once = await engine.consume(customer, 0.1, "a tenth", key);
  const again = await engine.consume(customer, 0.1, "a tenth", key);
  const refused = await engine.consume(customer, 1_000);
  const thrown = await engine.consumeOrFail(customer, 1_000).catch((/** @type {any} */ e) => e);
  const unknown = await engine.getBalance(`${customer}-nobody`).catch((/** @type {any} */ e) => e);
  const invalid = await engine.consume(customer, 1e-7).catch((/** @type {any} */ e) => e);
  const { balance, available, held } = await engine.getBalance(customer);
  const { data, pagination } = await engine.getTransactions(customer, { limit: 2 });
  await engine.destroy();
  return {
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
    unknown: [unknown.name, unknown.code, unknown.status, typeof unknown.requestId],
    invalid: [invalid.name, invalid.code],
    balance: [balance, available, held],
    newest: data.map((/** @type {any} */ row) => [row.type, row.amount, row.description]),
    total: pagination.total,
  };
}

export const EXPECTED = {
  added: 10.5,
  charged: [true, 10.2, 0.3, false],
  once: [10.1, false],
  again: [10.1, true, true],
  refused: { success: false, balance: 10.1, shortfall: 989.9 },
  thrown: [true, true, true, "InsufficientCreditsError", "insufficient_credits", 402, 10.1, 1_000],
  unknown: ["CreditEngineError", "not_found", 404, "string"],
  invalid: ["CreditEngineError", "invalid_amount"],
  balance: [10.1, 10.1, 0],
  newest: [
    ["consumption", -0.1, "a tenth"],
    ["consumption", -0.3, "three tenths"],
  ],
  total: 3,
};
