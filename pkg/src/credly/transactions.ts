// The history of a user's credits.

import type * as Public from "../../types/credly.d.ts";
import { callSite, fieldsOf } from "../client.ts";
import type { Ask } from "../credly.ts";

export function transactions(ask: Ask) {
  function getTransactions(
    wanted: Public.GetTransactions,
    options?: Public.CallOptions,
  ): Promise<Public.Page<Public.Transaction>> {
    const site = callSite(getTransactions);
    const { user_id: customer_id, limit, offset, cursor, type, from, to } = wanted;
    const fields = () => fieldsOf({ customer_id, limit, offset, cursor, type, from, to });
    return ask("transactions", fields, options, site).then(({ data, pagination }) => ({
      data: data.map(transactionOf),
      pagination,
    }));
  }

  function getTransaction(
    transaction: Public.TransactionReference,
    options?: Public.CallOptions,
  ): Promise<Public.Transaction> {
    const site = callSite(getTransaction);
    const fields = () => {
      const isId = typeof transaction === "string";
      return fieldsOf({ transaction_id: isId ? transaction : transaction.transaction_id });
    };
    return ask("transaction", fields, options, site).then(transactionOf);
  }

  return { getTransactions, getTransaction };
}

// biome-ignore lint/suspicious/noExplicitAny: a transaction as the engine answers it
function transactionOf({ customer_id, ...transaction }: any): Public.Transaction {
  return { ...transaction, user_id: customer_id };
}
