import type { MatrixClient } from "matrix-js-sdk";
import {
  CryptoEvent,
  type ShowQrCodeCallbacks,
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  VerificationRequestEvent,
  type Verifier,
  VerifierEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { client } from "./client.ts";
import { cryptoOf } from "./encryption.ts";
import { logger } from "./logger.ts";
import { emojiNumber } from "./verification-emoji.ts";
import { directRoomFor } from "./verification-room.ts";

export const methods = ["m.sas.v1", "m.qr_code.show.v1", "m.qr_code.scan.v1", "m.reciprocate.v1"];

/**
 * Where a verification stands. `asked`: the other side asks us. `waiting`: the other side has not answered yet. `choose`: both are there, a way is to be
 * chosen. `compare`: emoji are to be compared. `scanned`: the other side scanned our code, is it them? `working`: messages go back and forth.
 */
export type Step = "asked" | "waiting" | "choose" | "compare" | "scanned" | "working" | "done" | "cancelled";

export interface Verification {
  step: Step;
  self: boolean; // between devices of the same user
  userId: string;
  deviceName: string;
  /** Each with its number in the protocol's table, which its name is translated by. */
  emoji: readonly (readonly [string, number])[];
  code: Uint8Array | null; // to be shown as a QR code
  canScan: boolean;
  canCompare: boolean;
  /** Of a cancelled one: the protocol's code, and whether we cancelled. */
  reason: string;
  cancelledHere: boolean;
}

export type Way = "emoji" | "code";

const store = createStore<{ current: Verification | null }>(() => ({ current: null }));
export const useVerification = (): Verification | null => useStore(store, (s) => s.current);

let flow: Flow | null = null;
const waiting: VerificationRequest[] = [];

/** One verification, from its request to its end, as plain data for the view. */
class Flow {
  readonly request: VerificationRequest;
  private readonly way: Way | null;
  private verifier: Verifier | null = null;
  private sas: ShowSasCallbacks | null = null;
  private scanned: ShowQrCodeCallbacks | null = null;
  private code: Uint8Array | null = null;
  private codeAsked = false;
  private confirmed = false;
  private started = false;
  private name = "";

  constructor(request: VerificationRequest, way: Way | null) {
    this.request = request;
    this.way = way;
    request.on(VerificationRequestEvent.Change, this.changed);
  }

  close(): void {
    this.request.off(VerificationRequestEvent.Change, this.changed);
  }

  readonly changed = (): void => {
    const r = this.request;
    if (r.verifier && r.verifier !== this.verifier) this.attach(r.verifier);
    if (r.phase === VerificationPhase.Ready && !this.codeAsked) {
      this.codeAsked = true;
      void this.makeCode();
    }
    if (r.phase === VerificationPhase.Ready && this.way === "emoji" && !this.started) this.compare();
    this.publish();
  };

  private async makeCode(): Promise<void> {
    const bytes = await this.request.generateQRCode().catch(() => undefined);
    this.code = bytes ? new Uint8Array(bytes) : null;
    const { otherUserId, otherDeviceId } = this.request;
    if (otherDeviceId !== undefined) {
      const devices = await cryptoOf(client()).getUserDeviceInfo([otherUserId]);
      this.name = devices.get(otherUserId)?.get(otherDeviceId)?.displayName ?? otherDeviceId;
    }
    this.publish();
  }

  private attach(v: Verifier): void {
    this.verifier = v;
    v.on(VerifierEvent.ShowSas, (sas) => {
      this.sas = sas;
      this.publish();
    });
    v.on(VerifierEvent.ShowReciprocateQr, (scanned) => {
      this.scanned = scanned;
      this.publish();
    });
    this.sas = v.getShowSasCallbacks();
    this.scanned = v.getReciprocateQrCodeCallbacks();
    // A cancelled one shows in the request's phase.
    v.verify().catch((err: unknown) => logger.debug("verification", err));
  }

  compare(): void {
    this.started = true;
    this.request.startVerification("m.sas.v1").catch((err: unknown) => {
      logger.warn("verification", err);
      this.started = false;
      this.publish();
    });
    this.publish();
  }

  async scan(bytes: Uint8Array): Promise<void> {
    await this.request.scanQRCode(new Uint8ClampedArray(bytes));
    this.publish();
  }

  answer(same: boolean): void {
    this.confirmed = true;
    if (this.sas) {
      if (same) void this.sas.confirm();
      else this.sas.mismatch();
    } else if (same) this.scanned?.confirm();
    else this.scanned?.cancel();
    this.publish();
  }

  private step(): Step {
    switch (this.request.phase) {
      case VerificationPhase.Done:
        return "done";
      case VerificationPhase.Cancelled:
        return "cancelled";
      case VerificationPhase.Ready:
        return this.started ? "working" : "choose";
      case VerificationPhase.Started:
        if (this.confirmed) return "working";
        return this.sas ? "compare" : this.scanned ? "scanned" : "working";
      default:
        return this.request.initiatedByMe ? "waiting" : this.request.accepting ? "working" : "asked";
    }
  }

  publish(): void {
    if (flow !== this) return;
    const r = this.request;
    const step = this.step();
    const both = step === "choose";
    store.setState({
      current: {
        step,
        self: r.isSelfVerification,
        userId: r.otherUserId,
        deviceName: this.name,
        emoji: step === "compare" ? (this.sas?.sas.emoji ?? []).map(([e]) => [e, emojiNumber(e)] as const) : [],
        code: both ? this.code : null,
        canScan: both && r.otherPartySupportsMethod("m.qr_code.show.v1"),
        canCompare: both && r.otherPartySupportsMethod("m.sas.v1"),
        reason: r.cancellationCode ?? "",
        cancelledHere: r.cancellingUserId === undefined || (r.cancellingUserId === client().getUserId() && r.declining),
      },
    });
  }
}

function open(request: VerificationRequest, way: Way | null): void {
  flow?.close();
  flow = new Flow(request, way);
  flow.changed();
}

/**
 * Whether somebody has answered or withdrawn a request in a room already. The encryption forgets that when the page is loaded anew, and takes
 * the request in the saved timeline for a new one; whose answer an event is, stands outside of what is encrypted.
 */
export function answered(c: Pick<MatrixClient, "getRoom">, request: Pick<VerificationRequest, "roomId" | "transactionId">): boolean {
  const { roomId, transactionId } = request;
  if (roomId === undefined || transactionId === undefined) return false;
  const events = c.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
  return events.some((e) => e.isRelation("m.reference") && e.getRelation()?.event_id === transactionId);
}

/** Listens to requests of others, from the client's start on. */
export function startVerifications(c: MatrixClient): void {
  c.on(CryptoEvent.VerificationRequestReceived, (request) => {
    if (answered(c, request)) return;
    if (flow === null) open(request, null);
    else if (request !== flow.request) waiting.push(request);
  });
}

/** Asks the user's other devices to confirm this one. */
export async function verifyThisDevice(way: Way): Promise<void> {
  open(await cryptoOf(client()).requestOwnUserVerification(), way);
}

/** Verifies one of the user's other devices from this one. */
export async function verifyDevice(deviceId: string): Promise<void> {
  const c = client();
  open(await cryptoOf(c).requestDeviceVerification(c.getSafeUserId(), deviceId), null);
}

/** Verifies another person: the request goes through the direct chat with them. */
export async function verifyPerson(userId: string): Promise<void> {
  const c = client();
  open(await cryptoOf(c).requestVerificationDM(userId, await directRoomFor(c, userId)), null);
}

export async function acceptVerification(): Promise<void> {
  const f = flow;
  const sent = f?.request.accept();
  f?.publish();
  await sent;
  f?.changed();
}

export const compareEmoji = (): void => flow?.compare();

/** Takes what the camera read; an error if it is not the code of this verification. */
export const scanCode = async (bytes: Uint8Array): Promise<void> => flow?.scan(bytes);

/** Says whether the emoji are the same, or whether the other device shows that it has scanned. */
export const answerVerification = (same: boolean): void => flow?.answer(same);

/** Cancels what still runs, and closes the view; then comes the next request that waits. */
export async function closeVerification(): Promise<void> {
  const f = flow;
  flow = null;
  f?.close();
  store.setState({ current: null });
  if (f?.request.pending) await f.request.cancel().catch((err: unknown) => logger.debug("cancel", err));
  let next = waiting.shift();
  while (next && !next.pending) next = waiting.shift();
  if (next) open(next, null);
}
