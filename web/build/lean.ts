import type { Plugin } from "vite";

/*
 * The SDK brings whole subsystems that its client always loads and this app never uses: one-to-one calls over to-device messages, the
 * calls of MatrixRTC, sliding sync through its own classes, sign-in by OAuth, finding a server by a domain's
 * .well-known, trees of files, its own polls and extensible events, the store of the encryption before the Rust one. In their place
 * stands this; an import that it lacks fails the build.
 */
const stub = "\0conclave-lean";
const left = new RegExp(
  `^(${[
    "webrtc/[a-zA-Z/]+", "matrixrtc/MatrixRTCSessionManager", "sliding-sync-sdk", "autodiscovery", "oauth/[a-zA-Z]+", "crypto/store/memory-crypto-store",
    "models/(MSC3089TreeSpace|MSC3089Branch|poll|invites-ignorer|room-retention)",
  ].join("|")})\\.js$`,
);
const code = `
import { NamespacedValue, UnstableValue } from "matrix-js-sdk/lib/NamespacedValue.js";
class Unused { start() {} stop() {} }
const none = Object.freeze({});
class NoCryptoStore { containsData() { return Promise.resolve(false); } deleteAllData() { return Promise.resolve(); } }
export const createNewMatrixCall = () => null;
export const supportsMatrixCall = () => false;
export const isPollEvent = () => false;
export const isValidAuthMetadata = () => false;
export const ExtensibleEvents = { parse: () => null };
export { M_POLL_START } from "matrix-js-sdk/lib/@types/polls.js";
export { NamespacedValue, UnstableValue };
export {
  Unused as CallEventHandler, Unused as GroupCallEventHandler, Unused as GroupCall, Unused as MediaHandler,
  Unused as MatrixRTCSessionManager, Unused as SlidingSyncSdk, Unused as StatsReport,
  Unused as AutoDiscovery, Unused as OAuth2, Unused as TokenRefresher, Unused as MSC3089TreeSpace, Unused as Poll, Unused as IgnoredInvites,
  Unused as RoomRetentionPolicy, NoCryptoStore as MemoryCryptoStore,
  none as CallEvent, none as GroupCallEvent, none as GroupCallIntent, none as GroupCallState, none as GroupCallType,
  none as GroupCallStatsReportEvent, none as MediaHandlerEvent, none as CallFeedEvent, none as OAuth2Error, none as PollEvent,
  none as DEFAULT_TREE_POWER_LEVELS_TEMPLATE,
};
`;

export function lean(): Plugin {
  return {
    name: "conclave-lean",
    enforce: "pre",
    async resolveId(source, importer, options) {
      if (importer === undefined || !importer.includes("/matrix-js-sdk/lib/")) return null;
      if (source === "matrix-events-sdk") return stub;
      if (!source.startsWith(".")) return null;
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      const file = found?.id.split("/matrix-js-sdk/lib/")[1];
      return file !== undefined && left.test(file) ? stub : null;
    },
    load: (id) => (id === stub ? { code, moduleSideEffects: false } : null),
  };
}
