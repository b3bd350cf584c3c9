import { ClientEvent, type MatrixClient } from "matrix-js-sdk";
import { client } from "./client.ts";
import { whenLiveOrOffline } from "./live.ts";
import { useView } from "./subscribe.ts";

type Content = Record<string, unknown>;
// The SDK knows the types of the specification only; ours are named as the specification asks.
type AnyType = Parameters<MatrixClient["setAccountData"]>[0];

/** The user's account data of a type; {} if there are none. */
export function accountData(type: string): Content {
  return client().getAccountData(type as AnyType)?.getContent<Content>() ?? {};
}

/** The same, and how it changes, on this device or another. */
export function useAccountData(type: string): Content {
  return useView(
    `account data ${type}`,
    () => [[client(), [ClientEvent.AccountData]]],
    () => accountData(type),
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );
}

let last: Promise<unknown> = Promise.resolve();

/** Changes account data. One change waits for the one before, so that two switches turned quickly do not undo each other. */
export function changeAccountData(type: string, change: (now: Content) => Content): Promise<void> {
  const act = async () => {
    await whenLiveOrOffline(client());
    await client().setAccountData(type as AnyType, change(accountData(type)) as never);
  };
  const mine = last.then(act, act);
  last = mine.catch(() => undefined);
  return mine;
}
