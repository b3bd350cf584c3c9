import { EventEmitter } from "node:events";
import { ClientEvent, type MatrixClient, SyncState } from "matrix-js-sdk";
import { beforeEach, expect, test, vi } from "vitest";

vi.mock("./organisation.ts", () => ({ fetchOrganisation: () => Promise.resolve({ policy: { excludeUnsignedDevices: true } }) }));
const { encryption, startEncryption } = await import("./encryption.ts");

/** An account whose keys are there, on a device that has them, with a key storage that the browser's copy may not know of yet. */
class FakeClient extends EventEmitter {
  clientRunning = true;
  state: { now: SyncState | null; fromCache: boolean } = { now: null, fromCache: false };
  storage: string | null = null;
  confirmed = true;
  made = 0;
  crypto = {
    setDeviceIsolationMode: () => undefined,
    getDeviceVerificationStatus: () => Promise.resolve({ crossSigningVerified: this.confirmed, signedByOwner: true }),
    userHasCrossSigningKeys: () => Promise.resolve(true),
    getCrossSigningStatus: () => Promise.resolve({ privateKeysCachedLocally: { masterKey: true, selfSigningKey: true, userSigningKey: true } }),
    bootstrapCrossSigning: () => Promise.resolve(),
    createRecoveryKeyFromPassphrase: () => Promise.resolve({ encodedPrivateKey: "Es new" }),
    checkKeyBackupAndEnable: () => Promise.resolve(null),
    bootstrapSecretStorage: () => {
      this.made++;
      this.storage = "new";
      return Promise.resolve();
    },
  };
  secretStorage = { getDefaultKeyId: () => Promise.resolve(this.storage), get: () => Promise.resolve(undefined), store: () => Promise.resolve() };
  getCrypto = () => this.crypto;
  getSyncState = () => this.state.now;
  getSyncStateData = () => ({ fromCache: this.state.fromCache });
  getSafeUserId = () => "@alice:example.org";
  getDeviceId = () => "A";
  getDevice = () => Promise.resolve({});
  getAccountData = () => undefined;
  setAccountData = () => Promise.resolve({});

  sync(now: SyncState, fromCache: boolean): void {
    const before = this.state.now;
    this.state = { now, fromCache };
    this.emit(ClientEvent.Sync, now, before, { fromCache });
  }
}

let c: FakeClient;
const stage = () => encryption.getState().stage;

beforeEach(() => {
  c = new FakeClient();
});

const start = () => startEncryption(c as unknown as MatrixClient);
const settle = () => new Promise((done) => setTimeout(done, 0));

test.each([true, false])("what the browser's copy of the account lacks is not made anew (confirmed: %s)", async (confirmed) => {
  c.confirmed = confirmed;
  start();
  c.sync(SyncState.Prepared, true);
  await settle();
  expect(stage()).toBe(confirmed ? "ready" : "checking");
  c.storage = "kept";
  c.confirmed = true;
  c.sync(SyncState.Syncing, false);
  await vi.waitFor(() => expect(stage()).toBe("ready"), { timeout: 30_000 });
  expect(c.made).toBe(0);
});

test.each([true, false])("a set-up that was interrupted goes on once the server has said that there is no key storage (confirmed: %s)", async (confirmed) => {
  c.confirmed = confirmed;
  start();
  c.sync(SyncState.Prepared, true);
  c.sync(SyncState.Syncing, false);
  await vi.waitFor(() => expect(stage()).toBe("show-key"), { timeout: 30_000 });
  expect(c.made).toBe(1);
  expect(encryption.getState().recoveryKey).toBe("Es new");
});
