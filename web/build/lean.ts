import type { Plugin } from "vite";

/*
 * The SDK brings whole subsystems that its client always loads and this app never uses: one-to-one calls over to-device messages, the
 * calls of MatrixRTC, sliding sync through its own classes. In their place stands this; an import that it lacks fails the build.
 */
const stub = "\0conclave-lean";
const left = /^(webrtc\/[a-zA-Z/]+|matrixrtc\/MatrixRTCSessionManager|sliding-sync-sdk)\.js$/;
const code = `
class Unused { start() {} stop() {} }
const none = Object.freeze({});
export const createNewMatrixCall = () => null;
export const supportsMatrixCall = () => false;
export {
  Unused as CallEventHandler, Unused as GroupCallEventHandler, Unused as GroupCall, Unused as MediaHandler,
  Unused as MatrixRTCSessionManager, Unused as SlidingSyncSdk, Unused as StatsReport,
  none as CallEvent, none as GroupCallEvent, none as GroupCallIntent, none as GroupCallState, none as GroupCallType,
  none as GroupCallStatsReportEvent, none as MediaHandlerEvent, none as CallFeedEvent,
};
`;

export function lean(): Plugin {
  return {
    name: "conclave-lean",
    enforce: "pre",
    async resolveId(source, importer, options) {
      if (importer === undefined || !importer.includes("/matrix-js-sdk/lib/") || !source.startsWith(".")) return null;
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      const file = found?.id.split("/matrix-js-sdk/lib/")[1];
      return file !== undefined && left.test(file) ? stub : null;
    },
    load: (id) => (id === stub ? { code, moduleSideEffects: false } : null),
  };
}
