// Users: the engine's customers.

import type * as Public from "../../types/credly.d.ts";
import { callSite, fieldsOf, putJson, type Site } from "../client.ts";
import type { Ask } from "../credly.ts";

export function users(ask: Ask) {
  function createUser(user: Public.CreateUser, options?: Public.CallOptions): Promise<Public.User> {
    return created(ask, user, options, callSite(createUser));
  }

  async function getUserAt(
    user: Public.UserReference,
    options: Public.CallOptions | undefined,
    site: Site,
  ): Promise<Public.User> {
    return userOf(await ask("customer", () => fieldsOf(referred(user)), options, site));
  }

  function getUser(user: Public.UserReference, options?: Public.CallOptions): Promise<Public.User> {
    return getUserAt(user, options, callSite(getUser));
  }

  function getUsers(
    page: Public.PageOptions = {},
    options?: Public.CallOptions,
  ): Promise<Public.Page<Public.ListedUser>> {
    const { limit, offset, cursor } = page;
    const fields = () => fieldsOf({ limit, offset, cursor });
    return ask("customers", fields, options, callSite(getUsers)).then(({ data, pagination }) => ({
      data: data.map(({ id, created_at }: { id: string; created_at: string }) => ({
        user_id: id,
        created_at,
      })),
      pagination,
    }));
  }

  function deleteUser(
    user: Public.UserReference,
    options?: Public.CallOptions,
  ): Promise<Public.DeletedUser> {
    const site = callSite(deleteUser);
    const fields = () => fieldsOf(referred(user));
    return ask("delete-customer", fields, options, site).then(({ id, deleted }) => ({
      user_id: id,
      deleted,
    }));
  }

  function changeUserTier(
    change: Public.ChangeUserTier,
    options?: Public.CallOptions,
  ): Promise<Public.User> {
    const site = callSite(changeUserTier);
    const { user_id, tier_id, reset_balance } = change;
    const fields = () => fieldsOf({ customer_id: user_id, tier_id, reset_balance });
    return ask("change-tier", fields, options, site).then(userOf);
  }

  return { createUser, getUser, getUsers, deleteUser, changeUserTier };
}

export async function created(
  ask: Ask,
  { user_id, tier_id, metadata }: Public.CreateUser,
  options: Public.CallOptions | undefined,
  site: Site,
): Promise<Public.User> {
  const fields = () => {
    const fields = fieldsOf({ id: user_id, tier_id });
    putJson(fields, "metadata", metadata);
    return fields;
  };
  return userOf(await ask("create-customer", fields, options, site));
}

function referred(user: Public.UserReference): { customer_id: string } {
  return { customer_id: typeof user === "string" ? user : user.user_id };
}

// biome-ignore lint/suspicious/noExplicitAny: a customer as the engine answers it
function userOf(customer: any): Public.User {
  return {
    user_id: customer.id,
    balance: customer.balance,
    available: customer.available,
    held: customer.held,
    tier_id: customer.tier_id,
    period_start: customer.period_start,
    period_end: customer.period_end,
    created_at: customer.created_at,
    metadata: customer.metadata,
  };
}
