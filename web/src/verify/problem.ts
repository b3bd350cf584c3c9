import type { TFunction } from "i18next";
import { OfflineError } from "@/matrix/api.ts";
import { RecoveryError } from "@/matrix/recovery.ts";

/** Says exactly why a recovery key did not help. */
export function problemText(t: TFunction<"verify">, err: unknown, passphrase: boolean): string {
  if (err instanceof RecoveryError) {
    if (err.problem === "wrong" && passphrase) return t("problem.wrongPassphrase");
    return t(`problem.${err.problem}`);
  }
  if (err instanceof OfflineError || (err instanceof Error && err.name === "ConnectionError")) return t("problem.offline");
  return t("problem.other", { detail: err instanceof Error ? err.message : String(err) });
}

/** What the protocol's codes of cancelled verifications mean. Spec: cs#mkeyverificationcancel */
export function cancelText(t: TFunction<"verify">, reason: string, here: boolean): string {
  switch (reason) {
    case "m.mismatched_sas":
    case "m.mismatched_commitment":
    case "m.key_mismatch":
      return t("dialog.cancelled.mismatch");
    case "m.timeout":
      return t("dialog.cancelled.timeout");
    case "m.accepted":
      return t("dialog.cancelled.accepted");
    case "m.qr_code.invalid":
    case "m.reciprocate.v1":
      return t("dialog.cancelled.code");
    case "m.user":
      return here ? t("dialog.cancelled.here") : t("dialog.cancelled.declined");
    default:
      return here ? t("dialog.cancelled.here") : t("dialog.cancelled.other", { reason });
  }
}
